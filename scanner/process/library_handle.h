// A C library's handle, released by the library's own function: BPF skeletons, libbpf's rings.
//
// For handles whose release function is known where they are declared. A class whose header
// declares a handle without the library's headers has a deleter of its own (Netlink,
// PcapTransmitter).
#pragma once

#include <memory>

namespace echoscan {

template <auto kRelease>
struct ReleaseBy {
  template <typename Handle>
  void operator()(Handle* handle) const {
    kRelease(handle);
  }
};

template <typename Handle, auto kRelease>
using LibraryHandle = std::unique_ptr<Handle, ReleaseBy<kRelease>>;

}  // namespace echoscan
