"""From DataFrames to what people read: Markdown, CSV, JSON, the terminal, pictures."""
