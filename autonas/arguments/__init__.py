"""Arguments: checks of numbers and options, and conversion of single values to lists."""
