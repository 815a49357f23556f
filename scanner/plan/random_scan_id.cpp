#include "scanner/plan/random_scan_id.h"

#include <sys/random.h>

#include <cstdint>

#include "scanner/process/system_error.h"

namespace echoscan {

ScanId random_scan_id() {
  std::uint64_t bits = 0;
  if (getrandom(&bits, sizeof(bits), 0) != sizeof(bits))
    throw_system_error("draw a random identifier of the scan");
  return ScanId(bits);
}

}  // namespace echoscan
