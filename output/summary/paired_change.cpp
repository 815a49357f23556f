#include "output/summary/paired_change.h"

#include <cmath>

namespace echoscan {

PairedChange paired_change(std::uint64_t gained, std::uint64_t lost) {
  if (gained + lost == 0) return {};
  return {(static_cast<double>(gained) - static_cast<double>(lost)) /
          std::sqrt(static_cast<double>(gained + lost))};
}

}  // namespace echoscan
