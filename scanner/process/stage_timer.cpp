#include "scanner/process/stage_timer.h"

#include "scanner/process/clock.h"
#include "scanner/process/log.h"

namespace echoscan {

StageTimer::StageTimer(const char* name) : name_(name), began_ns_(MonotonicClock().now_ns()) {}

StageTimer::~StageTimer() {
  log_debug("set-up, {}: {:.1f} ms", name_,
            1e3 * to_seconds(MonotonicClock().now_ns() - began_ns_));
}

}  // namespace echoscan
