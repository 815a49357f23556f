// How far the sending of a scan is, for those who watch what it needs: link, gateways, source.
//
// What is lost matters until receiving ends. While senders stand by, in the cooldown, they send
// again what may have been lost, and the cooldown begins anew; when they have been stopped it is in
// doubt, and nobody is waited for. The sentences of events stand here, so that each loss is told in
// the same words.
#pragma once

#include <fmt/format.h>

#include <string>

namespace echoscan {

enum class SendingPhase {
  sending,
  standing_by,  // all has left
  over,         // or was stopped: nothing is sent again
};

// What follows from a loss, for `timeout_s` at most.
inline std::string consequence_of_loss(SendingPhase phase, double timeout_s) {
  switch (phase) {
    case SendingPhase::sending:
      return fmt::format("sending pauses, for {} s at most", timeout_s);
    case SendingPhase::standing_by:
      return fmt::format("it is waited for, for {} s at most", timeout_s);
    case SendingPhase::over:
      break;
  }
  return "replies to the last probes may be lost";
}

// What follows when what was lost is there again.
inline const char* consequence_of_return(SendingPhase phase) {
  switch (phase) {
    case SendingPhase::sending:
      return "sending goes on";
    case SendingPhase::standing_by:
      return "what may have been lost is sent again, and the cooldown begins anew";
    case SendingPhase::over:
      break;
  }
  return "the probes before its loss are in doubt";
}

}  // namespace echoscan
