#include "targets/permutation.h"

#include <algorithm>
#include <cassert>

namespace echoscan {
namespace {

std::uint64_t multiply_modulo(std::uint64_t a, std::uint64_t b, std::uint64_t modulus) {
  return static_cast<std::uint64_t>(static_cast<Uint128>(a) * b % modulus);
}

std::uint64_t power_modulo(std::uint64_t base, std::uint64_t exponent, std::uint64_t modulus) {
  std::uint64_t result = 1 % modulus;
  for (base %= modulus; exponent > 0; exponent >>= 1) {
    if (exponent & 1) result = multiply_modulo(result, base, modulus);
    base = multiply_modulo(base, base, modulus);
  }
  return result;
}

// splitmix64 (Steele, Lea, Flood 2014): a seed of any quality becomes a stream of good 64-bit
// numbers.
class SeedStream {
 public:
  explicit SeedStream(std::uint64_t seed) : state_(seed) {}

  // Draws evenly from 1 to `count`: numbers below 2^64 mod count are drawn again, so that no
  // remainder is likelier than another.
  std::uint64_t from_one_to(std::uint64_t count) {
    const std::uint64_t surplus = (0 - count) % count;
    std::uint64_t number = next();
    while (number < surplus) number = next();
    return 1 + number % count;
  }

 private:
  std::uint64_t next() {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
  }

  std::uint64_t state_;
};

bool is_prime(std::uint64_t number) {
  if (number < 2) return false;
  if (number % 2 == 0) return number == 2;
  for (std::uint64_t divisor = 3; divisor * divisor <= number; divisor += 2)
    if (number % divisor == 0) return false;
  return true;
}

// g is a primitive root exactly when g^((p-1)/f) is not 1 for any prime factor f of p - 1.
bool is_primitive_root(std::uint64_t g, std::uint64_t prime,
                       const std::vector<std::uint64_t>& order_factors) {
  return std::none_of(order_factors.begin(), order_factors.end(), [g, prime](std::uint64_t factor) {
    return power_modulo(g, (prime - 1) / factor, prime) == 1;
  });
}

}  // namespace

// Trial division: at most 46,341 divisions for each of some 20 candidates, under a millisecond a
// scan.
std::uint64_t next_prime(std::uint64_t number) {
  do {
    ++number;
  } while (!is_prime(number));
  return number;
}

std::vector<std::uint64_t> prime_factors(std::uint64_t number) {
  std::vector<std::uint64_t> factors;
  for (std::uint64_t divisor = 2; divisor * divisor <= number; ++divisor) {
    if (number % divisor != 0) continue;
    factors.push_back(divisor);
    while (number % divisor == 0) number /= divisor;
  }
  if (number > 1) factors.push_back(number);
  return factors;
}

Permutation::Permutation(std::uint64_t n, std::uint64_t seed) : n_(n), prime_(next_prime(n)) {
  const std::vector<std::uint64_t> order_factors = prime_factors(prime_ - 1);
  SeedStream stream(seed);
  assert(step_count() > 0);
  do {
    generator_ = stream.from_one_to(step_count());
  } while (!is_primitive_root(generator_, prime_, order_factors));
  start_ = stream.from_one_to(step_count());
  generator_reciprocal_ =
      static_cast<std::uint64_t>((static_cast<Uint128>(generator_) << 64) / prime_);
}

std::uint64_t Permutation::power(std::uint64_t exponent) const {
  return power_modulo(generator_, exponent, prime_);
}

std::uint64_t Permutation::multiply(std::uint64_t a, std::uint64_t b) const {
  return multiply_modulo(a, b, prime_);
}

std::uint64_t Permutation::value_at(std::uint64_t exponent) const {
  return multiply(start_, power(exponent));
}

}  // namespace echoscan
