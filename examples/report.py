"""Reads CSV with the columns `region` and `amount` from standard input and prints a total for each region."""

import csv
import sys
from collections import defaultdict
from decimal import Decimal

totals = defaultdict(Decimal)
for row in csv.DictReader(sys.stdin):
    totals[row["region"]] += Decimal(row["amount"])
for region, total in sorted(totals.items()):
    print(f"{region:<8}{total:>10.2f}")
print(f"{'total':<8}{sum(totals.values()):>10.2f}")
