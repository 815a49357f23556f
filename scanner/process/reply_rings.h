// Where a reply filter keeps its rings and the mark on them (bpf/reply_rings.h), for a sender in
// the kernel that is to look at them itself.
//
// Two descriptors of maps, which belong to the reply source and are valid as long as it lives. A
// source without such rings has none; then only user space watches over the replies. It is here
// since senders and receivers do not know each other.
#pragma once

namespace echoscan {

struct ReplyRings {
  int rings = -1;  // -1: there are none
  int mark = -1;

  explicit operator bool() const { return rings >= 0; }
};

}  // namespace echoscan
