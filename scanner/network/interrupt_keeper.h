// A child process that puts an interface's interrupt settings back when the scan has ended, however
// it ends.
//
// To write them takes CAP_NET_ADMIN, which could turn a machine's whole network round, and which a
// scan gives up before the first probe. The child keeps it, and takes one order: the end of a pipe,
// which the kernel closes for a scan that is killed. So nothing that has taken the scan over can
// make it do more than that. A note (interrupt_note.h) is still made, for when both are killed.
#pragma once

#include <sys/types.h>

#include <tl/expected.hpp>
#include <utility>

#include "scanner/network/interrupt_note.h"
#include "scanner/network/interrupt_settings.h"
#include "scanner/process/file_descriptor.h"
#include "scanner/process/refusal.h"

namespace echoscan {

class InterruptKeeper {
 public:
  // The child has settings and note (null: there is none) as they are now, the note's lock too.
  // Refused where there can be no process. Set-up.
  static tl::expected<InterruptKeeper, Refusal> start(const InterruptSettings& settings,
                                                      const InterruptValues& found,
                                                      InterruptNote* note);
  InterruptKeeper(InterruptKeeper&& other) noexcept;
  InterruptKeeper& operator=(InterruptKeeper&& other) noexcept;
  InterruptKeeper(const InterruptKeeper&) = delete;
  InterruptKeeper& operator=(const InterruptKeeper&) = delete;
  ~InterruptKeeper();

  // Has them put back, and waits until they are. Refused with the errno of that, or with ECHILD
  // when the child was killed before. Once.
  tl::expected<void, Refusal> put_back();

 private:
  InterruptKeeper(pid_t child, FileDescriptor order) : child_(child), order_(std::move(order)) {}

  pid_t child_ = 0;  // 0: none any more
  FileDescriptor order_;
};

}  // namespace echoscan
