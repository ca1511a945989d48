"""Which passwords are refused, and why: length, common, breached, made of the user's own data."""
