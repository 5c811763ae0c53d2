"""Draws a bar chart of the amounts in sales.csv into chart.svg."""
import csv
from collections import Counter

totals = Counter()
with open("sales.csv", newline="") as file:
    for row in csv.DictReader(file):
        totals[row["region"]] += float(row["amount"])

most = max(totals.values())
bars = [
    f'<rect y="{at * 30}" width="{amount / most * 300:.0f}" height="24"/><text x="5" y="{at * 30 + 17}" fill="white">{name}</text>'
    for at, (name, amount) in enumerate(totals.most_common())
]
with open("chart.svg", "w") as file:
    file.write(f'<svg xmlns="http://www.w3.org/2000/svg" width="300" height="{len(bars) * 30}">{"".join(bars)}</svg>')
print(f"{len(bars)} bars, the longest is {most:.2f}")
