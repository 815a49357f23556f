// The link under a running scan: whether anything that is sent now can arrive at the other end.
//
// A seam, since the pipeline runs in tests without any interface. The kernel has two answers. The
// carrier is the driver's own, and asking for it takes the lock of the whole network set-up. The
// flag IFF_RUNNING follows it, up to a second later, and with it the queueing discipline changes to
// one that throws packets away; it is read without a lock, in 0.3 us, so that it can be asked after
// each batch. Rejected: rtnetlink's events, which come when the flag changes and not before.
#pragma once

#include <string>

#include "scanner/network/interface.h"
#include "scanner/process/file_descriptor.h"

namespace echoscan {

class Link {
 public:
  virtual ~Link() = default;
  [[nodiscard]] virtual bool is_up() const = 0;
  // No interface of this name exists any more. Looked at as often as is_up().
  [[nodiscard]] virtual bool is_gone() const = 0;
  [[nodiscard]] virtual const std::string& name() const = 0;
};

class InterfaceLink : public Link {
 public:
  // Throws std::system_error.
  explicit InterfaceLink(const Interface& interface);

  // Switched on, and with a carrier; false too when the interface is gone. Any thread.
  [[nodiscard]] bool is_up() const override;
  [[nodiscard]] bool is_gone() const override;
  // The flag alone.
  [[nodiscard]] bool is_running() const;
  [[nodiscard]] const std::string& name() const override { return name_; }

 private:
  std::string name_;
  FileDescriptor socket_;
};

}  // namespace echoscan
