"""Tells by its exit code whether the first argument can be divided by the second: 0 yes, 1 no, 64 wrong usage."""

import sys

try:
    number, divisor = map(int, sys.argv[1:])
    divisible = number % divisor == 0
except (ValueError, ZeroDivisionError) as error:
    print(f"usage: divisible.py NUMBER DIVISOR ({error})", file=sys.stderr)
    sys.exit(64)
sys.exit(0 if divisible else 1)
