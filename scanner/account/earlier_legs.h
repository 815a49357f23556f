// What a resumed scan knows of its earlier legs, for its ledger: how each ended, and what they have
// done together.
//
// It is plain data, made before the scan goes on; of a scan that was never stopped all is empty.
#pragma once

#include <cstdint>
#include <vector>

#include "scanner/checkpoint/checkpoint.h"
#include "scanner/plan/done_probes.h"

namespace echoscan {

struct EarlierLegs {
  std::vector<Leg> legs;
  DoneProbes done;
  std::uint64_t in_doubt = 0;
};

}  // namespace echoscan
