// What several passes say about losses, and about how many would answer if nothing were lost:
// capture and recapture, as counts of animals do it.
//
// A target that has answered one pass and not another was lost there, or has changed meanwhile. If
// losses of the passes do not depend on each other, those that were lost every time can be
// estimated: Chapman's estimate of two samples, nearly unbiased, and for three passes or more also
// Chao's lower bound. They do depend on each other on the Internet, where losses come in bursts and
// hosts prefer not to answer (Wan et al., IMC 2020: 51.6 % of misses are transient, 14 to 36 % of
// these in bursts), so that each of these figures is a lower bound. The standard error speaks of
// chance alone, and is never given without that word. Rejected: log-linear models, which need three
// sources and a choice that nobody could check. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace echoscan {

// One pass, from the counts of targets by history, whose bit 0 is the first pass.
struct PassAnswers {
  std::uint64_t answered = 0;
  std::uint64_t only_then = 0;  // of these, those that have answered no other pass
  std::uint64_t lost = 0;       // those that have answered another pass, and not this one
  // Of those that have answered another pass, the share that has not answered this one; absent when
  // there are none.
  std::optional<double> loss;
};

// How many would answer.
struct AnsweringEstimate {
  double targets = 0;  // Chapman's, of the first pass and all later ones together
  double standard_error = 0;
  std::optional<double> chao_targets;  // Chao's lower bound; of three passes or more
};

// Of each pass, in order. The counts are of 2^passes histories; the first is not read.
std::vector<PassAnswers> answers_by_pass(std::span<const std::uint64_t> histories);

// Chapman 1951: (a+1)(b+1)/(both+1) - 1, where so many answered the one sample, the other, and
// both. Its standard error is Seber's (1970).
AnsweringEstimate chapman(std::uint64_t first, std::uint64_t later, std::uint64_t both);

// Chao 1987: seen + (K-1)/K once^2/(2 twice), where so many answered at all, one pass alone, and
// two; the form without bias where nobody answered two.
double chao(std::uint64_t seen, std::uint64_t once, std::uint64_t twice, unsigned passes);

// Both, of 2^passes counts by history.
AnsweringEstimate estimate_answering(std::span<const std::uint64_t> histories);

}  // namespace echoscan
