#include "scanner/dpdk/port.h"

#include <rte_cycles.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_spinlock.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <memory>
#include <vector>

#include "scanner/dpdk/eal.h"

namespace echoscan {
namespace {

constexpr unsigned kCacheFrames = RTE_MEMPOOL_CACHE_MAX_SIZE;
// Behind the frames of the descriptors: what the caches of two threads keep, and a batch in hand.
constexpr unsigned kSpareFrames = 3 * kCacheFrames;
// Behind the probe in its buffer, for a frame of another thread's.
constexpr uint16_t kCopyBytes = 64;

// Of one thread, on cache lines of their own.
struct alignas(RTE_CACHE_LINE_SIZE) SendQueue {
  rte_mempool* pool = nullptr;
  std::array<rte_mbuf*, DPDK_BATCH_MAX> taken{};
  std::size_t count = 0;
  rte_spinlock_t lock = RTE_SPINLOCK_INITIALIZER;
  bool is_shared = false;
};

struct alignas(RTE_CACHE_LINE_SIZE) ReceiveQueue {
  std::array<rte_mbuf*, DPDK_BATCH_MAX> taken{};
  uint16_t count = 0;
};

struct Port {
  uint16_t frame_bytes = 0;
  std::vector<SendQueue> senders;
  std::vector<ReceiveQueue> receivers;
  std::vector<rte_mempool*> pools;
};

std::array<std::unique_ptr<Port>, RTE_MAX_ETHPORTS> ports;

int failed(const char* what, int error) {
  set_dpdk_reason(what, error < 0 ? -error : error);
  return -1;
}

// A pool of that many buffers, each with room for so many bytes of a frame; null with the reason
// set.
rte_mempool* make_pool(Port& port, const char* kind, uint16_t number, unsigned frames,
                       uint16_t room, int socket) {
  char name[RTE_MEMPOOL_NAMESIZE];
  std::snprintf(name, sizeof(name), "%s%u_%zu", kind, number, port.pools.size());
  const auto bytes = static_cast<uint16_t>(RTE_PKTMBUF_HEADROOM + room);
  rte_mempool* pool = rte_pktmbuf_pool_create(
      name, frames, frames > 4 * kCacheFrames ? kCacheFrames : 0, 0, bytes, socket);
  if (pool == nullptr) {
    failed("no memory for frames", rte_errno);
    return nullptr;
  }
  port.pools.push_back(pool);
  return pool;
}

struct Writer {
  void (*write)(void* context, uint8_t* frame);
  void* context;
};

void write_frame(rte_mempool*, void* argument, void* object, unsigned) {
  const auto* writer = static_cast<const Writer*>(argument);
  auto* bytes = static_cast<uint8_t*>(static_cast<rte_mbuf*>(object)->buf_addr);
  writer->write(writer->context, bytes + RTE_PKTMBUF_HEADROOM);
}

// That frames of a queue come out of one pool, and none is sent twice at a time.
uint64_t fast_free(const rte_eth_dev_info& info) {
  return info.tx_offload_capa & RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE;
}

int configure(const dpdk_port_plan& plan, const rte_eth_dev_info& info) {
  rte_eth_conf config{};
  if (plan.rx_queues > 1) {
    config.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
    config.rx_adv_conf.rss_conf.rss_hf = RTE_ETH_RSS_IPV4 & info.flow_type_rss_offloads;
  }
  config.txmode.offloads = fast_free(info);
  return rte_eth_dev_configure(plan.port, plan.rx_queues, plan.tx_queues, &config);
}

int set_up_senders(const dpdk_port_plan& plan, const rte_eth_dev_info& info, Port& port) {
  const int socket = rte_eth_dev_socket_id(plan.port);
  rte_eth_txconf config = info.default_txconf;
  config.offloads = fast_free(info);
  port.senders = std::vector<SendQueue>(plan.tx_queues);
  for (uint16_t queue = 0; queue < plan.tx_queues; ++queue) {
    SendQueue& sender = port.senders[queue];
    sender.is_shared = queue == 0;
    const auto room = static_cast<uint16_t>(plan.frame_bytes + kCopyBytes);
    sender.pool = make_pool(port, "tx", plan.port, plan.tx_frames + kSpareFrames, room, socket);
    if (sender.pool == nullptr) return -1;
    if (const int error = rte_eth_tx_queue_setup(plan.port, queue, plan.tx_frames,
                                                 static_cast<unsigned>(socket), &config);
        error != 0)
      return failed("a queue to send by cannot be set up", error);
  }
  return 0;
}

int set_up_receivers(const dpdk_port_plan& plan, const rte_eth_dev_info& info, Port& port) {
  const int socket = rte_eth_dev_socket_id(plan.port);
  port.receivers = std::vector<ReceiveQueue>(plan.rx_queues);
  for (uint16_t queue = 0; queue < plan.rx_queues; ++queue) {
    // net_af_xdp sends out of this pool as well. When its rings have all of it, it neither sends
    // nor receives any more, for ever: where the far end got no CPU its gateway was called lost.
    const unsigned frames = 2 * plan.rx_frames + 2 * plan.tx_frames + kSpareFrames;
    rte_mempool* pool = make_pool(port, "rx", plan.port, frames, RTE_MBUF_DEFAULT_DATAROOM, socket);
    if (pool == nullptr) return -1;
    if (const int error =
            rte_eth_rx_queue_setup(plan.port, queue, plan.rx_frames, static_cast<unsigned>(socket),
                                   &info.default_rxconf, pool);
        error != 0)
      return failed("a queue to receive by cannot be set up", error);
  }
  return 0;
}

int set_up(dpdk_port_plan& plan, Port& port) {
  rte_eth_dev_info info;
  if (const int error = rte_eth_dev_info_get(plan.port, &info); error != 0)
    return failed("the port says nothing of itself", error);
  if (const int error = configure(plan, info); error != 0)
    return failed("the port cannot be configured", error);
  if (const int error =
          rte_eth_dev_adjust_nb_rx_tx_desc(plan.port, &plan.rx_frames, &plan.tx_frames);
      error != 0)
    return failed("the sizes of the port's queues", error);
  if (set_up_senders(plan, info, port) != 0 || set_up_receivers(plan, info, port) != 0) return -1;
  if (const int error = rte_eth_dev_start(plan.port); error != 0)
    return failed("the port does not start", error);
  return 0;
}

}  // namespace

int find_dpdk_port(const char* name, dpdk_port_facts* facts) {
  uint16_t number = 0;
  if (rte_eth_dev_get_port_by_name(name, &number) != 0)
    return failed("DPDK has no port of that name", 0);
  rte_eth_dev_info info;
  rte_ether_addr mac;
  if (const int error = rte_eth_dev_info_get(number, &info); error != 0)
    return failed("the port says nothing of itself", error);
  if (const int error = rte_eth_macaddr_get(number, &mac); error != 0)
    return failed("the port has no MAC address", error);
  *facts = {};
  char port_name[RTE_ETH_NAME_MAX_LEN] = {};
  rte_eth_dev_get_name_by_port(number, port_name);
  std::snprintf(facts->name, sizeof(facts->name), "%s", port_name);
  std::snprintf(facts->driver, sizeof(facts->driver), "%s", info.driver_name);
  std::copy_n(mac.addr_bytes, sizeof(facts->mac), facts->mac);
  rte_eth_dev_get_mtu(number, &facts->mtu);
  facts->tx_queues_max = info.max_tx_queues;
  facts->rx_queues_max = info.max_rx_queues;
  facts->port = number;
  return 0;
}

int open_dpdk_port(dpdk_port_plan* plan) {
  auto port = std::make_unique<Port>();
  port->frame_bytes = plan->frame_bytes;
  if (set_up(*plan, *port) != 0) {
    // Pools of a port that is not started are nobody's.
    rte_eth_dev_close(plan->port);
    for (rte_mempool* pool : port->pools) rte_mempool_free(pool);
    return -1;
  }
  ports[plan->port] = std::move(port);
  return 0;
}

void close_dpdk_port(uint16_t port) {
  if (!ports[port]) return;
  for (ReceiveQueue& receiver : ports[port]->receivers)
    rte_pktmbuf_free_bulk(receiver.taken.data(), receiver.count);
  rte_eth_dev_stop(port);
  rte_eth_dev_close(port);
  for (rte_mempool* pool : ports[port]->pools) rte_mempool_free(pool);
  ports[port].reset();
}

void write_dpdk_frames(uint16_t port, uint16_t queue, void (*write)(void* context, uint8_t* frame),
                       void* context) {
  Writer writer{write, context};
  rte_mempool_obj_iter(ports[port]->senders[queue].pool, write_frame, &writer);
}

std::size_t take_dpdk_frames(uint16_t port, uint16_t queue, uint8_t** frames, std::size_t count) {
  SendQueue& sender = ports[port]->senders[queue];
  const auto wanted = static_cast<unsigned>(std::min<std::size_t>(count, DPDK_BATCH_MAX));
  if (rte_mempool_get_bulk(sender.pool, reinterpret_cast<void**>(sender.taken.data()), wanted) != 0)
    return 0;
  const uint16_t bytes = ports[port]->frame_bytes;
  for (unsigned i = 0; i < wanted; ++i) {
    rte_mbuf* buffer = sender.taken[i];
    buffer->data_off = RTE_PKTMBUF_HEADROOM;
    buffer->data_len = bytes;
    buffer->pkt_len = bytes;
    buffer->ol_flags = 0;
    frames[i] = rte_pktmbuf_mtod(buffer, uint8_t*);
  }
  sender.count = wanted;
  return wanted;
}

std::size_t send_dpdk_frames(uint16_t port, uint16_t queue, std::size_t count) {
  SendQueue& sender = ports[port]->senders[queue];
  uint16_t sent = 0;
  if (!sender.is_shared || rte_spinlock_trylock(&sender.lock) != 0) {
    sent = rte_eth_tx_burst(port, queue, sender.taken.data(), static_cast<uint16_t>(count));
    if (sender.is_shared) rte_spinlock_unlock(&sender.lock);
  }
  if (sent < sender.count)
    rte_mempool_put_bulk(sender.pool, reinterpret_cast<void**>(sender.taken.data() + sent),
                         static_cast<unsigned>(sender.count - sent));
  sender.count = 0;
  return sent;
}

int send_dpdk_copy(uint16_t port, const uint8_t* bytes, std::size_t length) {
  SendQueue& sender = ports[port]->senders.front();
  rte_mbuf* buffer = length <= kCopyBytes ? rte_pktmbuf_alloc(sender.pool) : nullptr;
  if (buffer == nullptr) return 0;
  buffer->data_off = static_cast<uint16_t>(RTE_PKTMBUF_HEADROOM + ports[port]->frame_bytes);
  std::memcpy(rte_pktmbuf_append(buffer, static_cast<uint16_t>(length)), bytes, length);
  uint16_t sent = 0;
  if (rte_spinlock_trylock(&sender.lock) != 0) {
    sent = rte_eth_tx_burst(port, 0, &buffer, 1);
    rte_spinlock_unlock(&sender.lock);
  }
  if (sent == 0) rte_pktmbuf_free(buffer);
  return sent;
}

std::size_t receive_dpdk_frames(uint16_t port, uint16_t queue, dpdk_frame* frames,
                                std::size_t count) {
  ReceiveQueue& receiver = ports[port]->receivers[queue];
  rte_pktmbuf_free_bulk(receiver.taken.data(), receiver.count);
  const auto wanted = static_cast<uint16_t>(std::min<std::size_t>(count, DPDK_BATCH_MAX));
  receiver.count = rte_eth_rx_burst(port, queue, receiver.taken.data(), wanted);
  for (uint16_t i = 0; i < receiver.count; ++i) {
    const rte_mbuf* buffer = receiver.taken[i];
    frames[i] = {rte_pktmbuf_mtod(buffer, const uint8_t*), buffer->data_len};
  }
  return receiver.count;
}

int is_dpdk_link_up(uint16_t port) {
  rte_eth_link link{};
  return rte_eth_link_get_nowait(port, &link) == 0 && link.link_status == RTE_ETH_LINK_UP ? 1 : 0;
}

int read_dpdk_counters(uint16_t port, dpdk_port_counters* counters) {
  rte_eth_stats stats{};
  if (const int error = rte_eth_stats_get(port, &stats); error != 0)
    return failed("the port has no counters", error);
  *counters = {stats.opackets, stats.oerrors, stats.ipackets,
               stats.ierrors,  stats.imissed, stats.rx_nombuf};
  return 0;
}

int read_dpdk_named_counts(uint16_t port, dpdk_named_count* counts, std::size_t room) {
  const int known = rte_eth_xstats_get_names(port, nullptr, 0);
  if (known <= 0) return known;
  std::vector<rte_eth_xstat_name> names(static_cast<std::size_t>(known));
  std::vector<rte_eth_xstat> values(names.size());
  const auto size = static_cast<unsigned>(known);
  if (rte_eth_xstats_get_names(port, names.data(), size) != known ||
      rte_eth_xstats_get(port, values.data(), size) != known)
    return failed("the port's own counters cannot be read", 0);
  for (std::size_t i = 0; i < std::min(room, names.size()); ++i) {
    std::snprintf(counts[i].name, sizeof(counts[i].name), "%s", names[i].name);
    counts[i].count = values[i].value;
  }
  return known;
}

}  // namespace echoscan
