"""What decides: values, rules, the table of transitions, the machine, the controller.

Standard library only; nothing here does I/O, and time is an argument.
"""
