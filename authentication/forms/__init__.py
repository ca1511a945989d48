"""Forms of the pages, and inputs of the headless views."""
