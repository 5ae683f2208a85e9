"""When a schedule fires, as EventBridge Scheduler writes it: what it would refuse is refused here, by name."""

from __future__ import annotations

import re

RATE = re.compile(r"rate\((1 (minute|hour|day)|([2-9]|[1-9]\d{1,4}) (minutes|hours|days))\)")
CRON = re.compile(r"cron\((\S+)" + r"[ \t]+(\S+)" * 5 + r"\)")
MONTHS = "JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC"
DAYS = "SUN|MON|TUE|WED|THU|FRI|SAT"
# The last day of the month, its last working day, the working day nearest to a date.
DAY_OF_MONTH = re.compile(r"L|LW|([1-9]|[12]\d|3[01])W")
# The last day of the week, a month's last Friday (6L), its second Tuesday (3#2). Only one of them, not a list.
DAY_OF_WEEK = re.compile(rf"L|([1-7]|{DAYS})(L|#[1-5])")


def is_rate(expression: str) -> bool:
    """Return whether EventBridge Scheduler would take a rate expression."""
    return RATE.fullmatch(expression) is not None


def is_cron(expression: str) -> bool:
    """Return whether EventBridge Scheduler would take a cron expression.

    Source: EventBridge Scheduler User Guide, "Schedule types", "Cron-based schedules": six fields separated by white
    space; one of the two day fields is `?` and the other is not; `L` in either, `W` in the first, `#` in the second.
    """
    read = CRON.fullmatch(expression)
    if read is None:
        return False
    minutes, hours, days, months, weekdays, years = read.groups()
    fields = [
        _field(minutes, 0, 59),
        _field(hours, 0, 23),
        days == "?" or DAY_OF_MONTH.fullmatch(days) is not None or _field(days, 1, 31),
        _field(months, 1, 12, MONTHS),
        weekdays == "?" or DAY_OF_WEEK.fullmatch(weekdays) is not None or _field(weekdays, 1, 7, DAYS),
        _field(years, 1970, 2199),
    ]
    return all(fields) and (days == "?") != (weekdays == "?")


def _field(written: str, lowest: int, highest: int, names: str = "") -> bool:
    """Return whether every element of `1,3-5,*/10` lies within its bounds."""
    value = rf"(?:\d+|{names})" if names else r"\d+"
    for element in written.split(","):
        read = re.fullmatch(rf"(?:\*|({value})(?:-({value}))?)(?:/(\d+))?", element)
        if read is None:
            return False
        numbers = [int(one) for one in read.groups()[:2] if one is not None and one.isdigit()]
        if any(not lowest <= number <= highest for number in numbers) or read.group(3) == "0":
            return False
    return True
