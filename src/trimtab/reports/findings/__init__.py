"""What figures say, in sentences. Knows nothing about HTML, Markdown or drawing."""
