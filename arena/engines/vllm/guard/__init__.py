"""The one folder of this project that vLLM's interpreter sees: it is on the server's PYTHONPATH."""
