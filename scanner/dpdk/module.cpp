// The module's one exported name: the table of what it can do.
#include <rte_lcore.h>
#include <rte_version.h>

#include "scanner/dpdk/eal.h"
#include "scanner/dpdk/port.h"
#include "scanner/network/dpdk_api.h"

namespace echoscan {
namespace {

constexpr dpdk_api kApi = {
    .version = DPDK_API_VERSION,
    .bytes = sizeof(dpdk_api),
    .dpdk_release = rte_version,
    .reason = dpdk_reason,
    .start = start_eal,
    .find_port = find_dpdk_port,
    .open_port = open_dpdk_port,
    .close_port = close_dpdk_port,
    .write_frames = write_dpdk_frames,
    .register_thread = rte_thread_register,
    .unregister_thread = rte_thread_unregister,
    .take_frames = take_dpdk_frames,
    .send_frames = send_dpdk_frames,
    .send_copy = send_dpdk_copy,
    .receive = receive_dpdk_frames,
    .link_is_up = is_dpdk_link_up,
    .read_counters = read_dpdk_counters,
    .read_named_counts = read_dpdk_named_counts,
};

}  // namespace
}  // namespace echoscan

extern "C" __attribute__((visibility("default"))) const dpdk_api* echoscan_dpdk_api() {
  return &echoscan::kApi;
}
