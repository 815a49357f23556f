// The order of probing: a keyed bijection on [0, n), with random access.
//
// x_i = x_0 * g^i modulo p, the smallest prime above n, with g a primitive root and x_0 a starting
// point, both drawn from the seed; values above n are skipped. A target costs one step (3 ns),
// since p is so close to n. Modular exponentiation reaches any i, so that a shard or another thread
// starts anywhere by arithmetic. Rejected: zmap's ladder of eleven primes (up to 3.4 steps a target
// at 79 M), masscan's 14-round network (146 ns). Multiplication is Shoup's: g's reciprocal is
// computed once. docs/permutation.md specifies the order for other implementations; a change to it
// breaks published seeds. Immutable; any thread may read.
#pragma once

#include <cstdint>
#include <vector>

namespace echoscan {

__extension__ typedef unsigned __int128 Uint128;

class Permutation {
 public:
  // n from 1 to 2^32.
  Permutation(std::uint64_t n, std::uint64_t seed);

  [[nodiscard]] std::uint64_t size() const { return n_; }
  [[nodiscard]] std::uint64_t prime() const { return prime_; }
  [[nodiscard]] std::uint64_t generator() const { return generator_; }
  [[nodiscard]] std::uint64_t start() const { return start_; }

  // The order has p - 1 steps, exponents 0 to p - 2; n of them lead to an index.
  [[nodiscard]] std::uint64_t step_count() const { return prime_ - 1; }

  // g^exponent and a * b, modulo p; exponent <= step_count(), a and b below p.
  [[nodiscard]] std::uint64_t power(std::uint64_t exponent) const;
  [[nodiscard]] std::uint64_t multiply(std::uint64_t a, std::uint64_t b) const;

  // x_i for exponent i < step_count(), from 1 to p - 1. About 60 multiplications.
  [[nodiscard]] std::uint64_t value_at(std::uint64_t exponent) const;

  // The value one step on. It stands for index value - 1, or for nothing when it is above n.
  [[nodiscard]] std::uint64_t next(std::uint64_t value) const {
    const auto quotient =
        static_cast<std::uint64_t>(static_cast<Uint128>(value) * generator_reciprocal_ >> 64);
    const std::uint64_t product = value * generator_ - quotient * prime_;
    return product >= prime_ ? product - prime_ : product;
  }

 private:
  std::uint64_t n_;
  std::uint64_t prime_;
  std::uint64_t generator_ = 1;
  std::uint64_t generator_reciprocal_;  // floor(g * 2^64 / p)
  std::uint64_t start_ = 1;
};

// The smallest prime above `number`, which is at most 2^33.
std::uint64_t next_prime(std::uint64_t number);

// The prime factors of `number` (from 1 to 2^33), each once, ascending.
std::vector<std::uint64_t> prime_factors(std::uint64_t number);

}  // namespace echoscan
