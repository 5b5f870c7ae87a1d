"""Values of arguments, from any room: checks of numbers and options, and lists from single values."""
