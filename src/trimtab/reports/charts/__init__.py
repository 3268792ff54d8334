"""Charts as SVG text. Knows nothing about pages or where figures come from."""
