// The seam to a reply filter's hold on its interface: whether the kernel still has it there,
// whether it runs, and attaching it again.
//
// A program that is attached can be taken off by anybody with the right to (`bpftool link detach`),
// and a driver can forget to run it while the kernel goes on calling it attached (vmxnet3, after
// its interface was switched off and on). In both cases replies go past the scan to the kernel. So
// the control (scanner/pipeline/filter_watch.h) asks for the one every 10 ms, and compares what the
// program has seen with what the kernel has received for the other. Sources that receive by a
// socket have no such hold. All calls come from one thread, before ReplySource::stop() is called.
#pragma once

#include <tl/expected.hpp>

#include <cstdint>
#include <string>

#include "scanner/process/refusal.h"

namespace echoscan {

class FilterAttachment {
 public:
  virtual ~FilterAttachment() = default;

  // Whether the kernel has this program on the interface, and no other in its place.
  [[nodiscard]] virtual bool is_attached() const = 0;
  // False once the interface itself is gone.
  [[nodiscard]] virtual bool has_interface() const { return true; }
  // The interface whose program it is that is_attached() has missed last; empty for the path's own.
  [[nodiscard]] virtual std::string further_interface() const { return {}; }
  // How many frames the program has looked at since it was loaded.
  [[nodiscard]] virtual std::uint64_t frames_seen() const = 0;
  // Takes the program off, where it is still on, and attaches it again in the mode that it had. A
  // program of somebody else is not replaced. Drivers may restart their link for it.
  virtual tl::expected<void, Refusal> attach_again() = 0;
};

}  // namespace echoscan
