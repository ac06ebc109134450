"""The arena: what people give (submissions, answers, votes), and the project's settings."""
