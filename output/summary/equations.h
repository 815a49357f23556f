// The equations of the ledger: which figures of a summary must agree, and why.
//
// The two sides of each are kept by different parts (order, transmitters, XDP program, receiver,
// writer), so that a probe, a frame or a reply that got lost between two of them shows. They are
// written as sums of the summary's own keys and evaluated over its JSON: what docs/summary.md
// prints is what is checked, and whoever has a summary can check it again. Rejected: comparisons in
// code beside the places that fill the figures, which no document could list and no test break one
// by one.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace echoscan {

// Sides are sums: "a.b + c[].d + e.*" adds up a value, the values of an array's objects (or of a
// plain array: "f[]"), and all values of an object.
struct Equation {
  const char* name;
  const char* left;
  const char* right;
  // When it holds: "", or conditions "KEY is JSON" and "KEY is not JSON" joined by " and ".
  const char* when;
  const char* why;
};

std::span<const Equation> equations();

// A sentence for each equation that does not hold in this summary, with both figures. None is
// expected, ever. `json` is what summary_json() wrote.
std::vector<std::string> faults_of(std::string_view json);

}  // namespace echoscan
