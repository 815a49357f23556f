// The link under a running scan: whether anything that is sent now can arrive at the other end.
//
// A seam, since the pipeline runs in tests without any interface. The real one asks for the
// interface's flags: one ioctl of some 0.3 us, without a lock, so that it can be asked every few
// milliseconds and after a batch. Rejected: rtnetlink, whose requests wait for whoever changes the
// network's set-up just now.
#pragma once

#include <string>

#include "scanner/file_descriptor.h"
#include "scanner/interface.h"

namespace echoscan {

class Link {
 public:
  virtual ~Link() = default;
  [[nodiscard]] virtual bool is_up() const = 0;
  [[nodiscard]] virtual const std::string& name() const = 0;
};

class InterfaceLink : public Link {
 public:
  // Throws std::system_error.
  explicit InterfaceLink(const Interface& interface);

  // Switched on, and with a carrier; false too when the interface is gone. Any thread.
  [[nodiscard]] bool is_up() const override;
  [[nodiscard]] const std::string& name() const override { return name_; }

 private:
  std::string name_;
  FileDescriptor socket_;
};

}  // namespace echoscan
