"""allauth's hooks, by what they are about; ``AccountAdapter`` inherits them."""
