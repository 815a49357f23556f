#include "output/summary/pass_estimate.h"

#include <bit>
#include <cmath>
#include <cstddef>

namespace echoscan {
namespace {

unsigned passes_of(std::span<const std::uint64_t> histories) {
  return static_cast<unsigned>(std::bit_width(histories.size()) - 1);
}

}  // namespace

std::vector<PassAnswers> answers_by_pass(std::span<const std::uint64_t> histories) {
  std::vector<PassAnswers> passes(passes_of(histories));
  std::uint64_t seen = 0;
  for (std::size_t history = 1; history < histories.size(); ++history) {
    seen += histories[history];
    for (std::size_t pass = 0; pass < passes.size(); ++pass)
      if (history >> pass & 1) passes[pass].answered += histories[history];
  }
  for (std::size_t pass = 0; pass < passes.size(); ++pass) {
    passes[pass].only_then = histories[std::size_t{1} << pass];
    const std::uint64_t others = seen - passes[pass].only_then;
    passes[pass].lost = seen - passes[pass].answered;
    if (others > 0)
      passes[pass].loss = static_cast<double>(passes[pass].lost) / static_cast<double>(others);
  }
  return passes;
}

AnsweringEstimate chapman(std::uint64_t first, std::uint64_t later, std::uint64_t both) {
  const auto a = static_cast<double>(first);
  const auto b = static_cast<double>(later);
  const auto m = static_cast<double>(both);
  const double variance = (a + 1) * (b + 1) * (a - m) * (b - m) / ((m + 1) * (m + 1) * (m + 2));
  return {(a + 1) * (b + 1) / (m + 1) - 1, std::sqrt(variance), std::nullopt};
}

double chao(std::uint64_t seen, std::uint64_t once, std::uint64_t twice, unsigned passes) {
  const double share = (passes - 1.0) / passes;
  const auto f1 = static_cast<double>(once);
  const auto f2 = static_cast<double>(twice);
  const double unseen = twice > 0 ? f1 * f1 / (2 * f2) : f1 * (f1 - 1) / 2;
  return static_cast<double>(seen) + share * unseen;
}

AnsweringEstimate estimate_answering(std::span<const std::uint64_t> histories) {
  std::uint64_t seen = 0;
  std::uint64_t first = 0;
  std::uint64_t later = 0;
  std::uint64_t once = 0;
  std::uint64_t twice = 0;
  for (std::size_t history = 1; history < histories.size(); ++history) {
    const std::uint64_t count = histories[history];
    seen += count;
    if (history & 1) first += count;
    if (history > 1) later += count;
    if (std::popcount(history) == 1) once += count;
    if (std::popcount(history) == 2) twice += count;
  }
  AnsweringEstimate estimate = chapman(first, later, first + later - seen);
  const unsigned passes = passes_of(histories);
  if (passes > 2) estimate.chao_targets = chao(seen, once, twice, passes);
  return estimate;
}

}  // namespace echoscan
