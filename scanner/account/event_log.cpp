#include "scanner/account/event_log.h"

#include <utility>

#include "scanner/process/log.h"

namespace echoscan {

void EventLog::keep(ScanEvent event) {
  if (events_.size() < kKept) {
    events_.push_back(std::move(event));
  } else {
    ++left_out_;
  }
}

void EventLog::add_loss(std::uint64_t at_ns, std::string what, std::string consequence) {
  log_warning("{}: {}", what, consequence);
  keep({at_ns, std::move(what), std::move(consequence)});
}

void EventLog::add_return(std::uint64_t at_ns, std::string what, std::string consequence) {
  log_info("{}: {}", what, consequence);
  keep({at_ns, std::move(what), std::move(consequence)});
}

}  // namespace echoscan
