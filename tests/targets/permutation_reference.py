"""The order of docs/permutation.md, written from that document alone: plain, slow, no dependency.

Not used by echoscan; permutation_test.py compares the two.
"""
import hashlib
import ipaddress

MASK = 2**64 - 1


def normalise(ranges):
    """[(first, last)] as numbers, sorted, joined where they overlap or touch."""
    merged = []
    for first, last in sorted(ranges):
        if merged and first <= merged[-1][1] + 1:
            merged[-1][1] = max(merged[-1][1], last)
        else:
            merged.append([first, last])
    return merged


def digest(merged):
    text = "".join(f"{ipaddress.IPv4Address(a)}-{ipaddress.IPv4Address(b)}\n" for a, b in merged)
    return hashlib.sha256(text.encode()).hexdigest()


def prime_factors(number):
    factors, divisor = [], 2
    while divisor * divisor <= number:
        if number % divisor == 0:
            factors.append(divisor)
            while number % divisor == 0:
                number //= divisor
        divisor += 1
    return factors + ([number] if number > 1 else [])


def next_prime(number):
    number += 1
    while prime_factors(number) != [number]:
        number += 1
    return number


def splitmix64(seed):
    while True:
        seed = (seed + 0x9E3779B97F4A7C15) & MASK
        z = ((seed ^ seed >> 30) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ z >> 27) * 0x94D049BB133111EB) & MASK
        yield z ^ z >> 31


def draw(stream, count):
    """Evenly from 1 to count."""
    return 1 + next(z for z in stream if z >= 2**64 % count) % count


class Order:
    def __init__(self, ranges, seed):
        self.ranges = normalise(ranges)
        self.n = sum(last - first + 1 for first, last in self.ranges)
        self.p = next_prime(self.n)
        stream, factors = splitmix64(seed), prime_factors(self.p - 1)
        self.g = draw(stream, self.p - 1)
        while any(pow(self.g, (self.p - 1) // factor, self.p) == 1 for factor in factors):
            self.g = draw(stream, self.p - 1)
        self.x0 = draw(stream, self.p - 1)

    def steps_to(self, first):
        """How many steps lead to the first `first` targets."""
        if first >= self.n:
            return self.p - 1
        steps, x = 0, self.x0
        while first > 0:
            first, steps, x = first - (x <= self.n), steps + 1, x * self.g % self.p
        return steps

    def shard_steps(self, first, index, count):
        steps = self.steps_to(first)
        return steps * index // count, steps * (index + 1) // count

    def address(self, x):
        index = x - 1
        for first, last in self.ranges:
            if index <= last - first:
                return str(ipaddress.IPv4Address(first + index))
            index -= last - first + 1

    def walk(self, begin, end):
        x = self.x0 * pow(self.g, begin, self.p) % self.p
        for _ in range(begin, end):
            if x <= self.n:
                yield self.address(x)
            x = x * self.g % self.p
