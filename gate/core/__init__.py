"""The part that decides: values, rules, table of transitions, state machine, controller.

Standard library only; nothing here does I/O, and time is an argument.
"""
