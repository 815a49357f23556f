// The equations of the ledger: which figures of a summary must agree, and why.
//
// Different parts keep the two sides of each (order, transmitters, XDP program, receiver, writer),
// so that a probe, a frame or a reply that got lost between two of them shows. The equations are
// sums of the summary's own keys and are evaluated over its JSON, so that docs/summary.md prints
// what is checked, and anybody who has a summary can check it again. Rejected: comparisons in the
// code that fills the figures, which no document could list and no test break one by one.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace echoscan {

// Each side is a sum: "a.b + c[].d + e.*" adds a value, the values of an array's objects ("f[]": of
// a plain array), and all values of an object.
struct Equation {
  const char* name;
  const char* left;
  const char* right;
  // When it has to hold: always (""), or under conditions "KEY is JSON" or "KEY is not JSON",
  // joined by " and ".
  const char* when;
  const char* why;
};

std::span<const Equation> equations();

// A sentence, with both figures, for each equation that should hold in this summary and does not;
// there should never be one. `json` is what summary_json() wrote.
std::vector<std::string> faults_of(std::string_view json);

}  // namespace echoscan
