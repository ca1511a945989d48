"""The pages of signing in and of the account: one module a noun."""
