"""Prints the primes below a limit (default 50), one line, and their count on standard error."""

import sys

limit = int(sys.argv[1]) if len(sys.argv) > 1 else 50
sieve = [True] * limit
for n in range(2, int(limit**0.5) + 1):
    if sieve[n]:
        sieve[n * n :: n] = [False] * len(sieve[n * n :: n])
primes = [n for n in range(2, limit) if sieve[n]]
print(*primes)
print(f"{len(primes)} primes below {limit}", file=sys.stderr)
