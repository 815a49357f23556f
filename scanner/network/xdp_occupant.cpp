#include "scanner/network/xdp_occupant.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>

#include <string_view>

#include "scanner/process/file_descriptor.h"

namespace echoscan {
namespace {

// Of bpf/reply_filter.bpf.c; the kernel keeps 15 bytes of a name.
constexpr std::string_view kReplyFilterName = "reply_filter";

}  // namespace

std::string XdpOccupant::clause() const {
  return is_echoscan ? fmt::format("another echoscan receives there ({})", name)
                     : fmt::format("another XDP program is there ({})", name);
}

std::string XdpOccupant::remedy() const {
  return is_echoscan ? "wait for its end" : "detach it";
}

std::optional<XdpOccupant> find_xdp_occupant(const Interface& interface) {
  __u32 id = 0;
  if (bpf_xdp_query_id(interface.index, 0, &id) != 0 || id == 0) return std::nullopt;
  const FileDescriptor program(bpf_prog_get_fd_by_id(id));
  bpf_prog_info info{};
  __u32 info_bytes = sizeof(info);
  if (!program || bpf_obj_get_info_by_fd(program.get(), &info, &info_bytes) != 0)
    return XdpOccupant{fmt::format("id {}", id)};
  return XdpOccupant{fmt::format("id {}, \"{}\"", id, info.name), kReplyFilterName == info.name};
}

}  // namespace echoscan
