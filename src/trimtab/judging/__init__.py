"""Runs judged: what they answer scored, beside other ways to answer, and told in a report. Knows no verb."""
