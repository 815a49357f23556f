// The probe's Ethernet frame: written once per buffer, patched per probe.
//
// fill() writes all of it. patch() writes what differs from probe to probe: the next hop's MAC,
// destination, identifier, sequence number, payload and the two checksums. patch_batch() does so
// for many, with vector instructions, in less than half the time (probe_batch.h). The IPv4 checksum
// is one addition to a partial sum (RFC 1071); ICMPv4's does not cover addresses (RFC 792), and is
// summed over its 26 bytes, to which what follows them adds a constant. IPv4 goes out with DF set
// and identification 0, an atomic datagram (RFC 6864). Host order ends here: whatever this file
// writes is in network order. Immutable once built, but for the MACs; any thread may fill and patch
// its own buffers.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "bpf/probe.h"
#include "scanner/network/mac_address.h"
#include "scanner/network/source_pool.h"
#include "scanner/transmit/next_hop_table.h"
#include "scanner/transmit/probe_batch.h"
#include "scanner/transmit/target.h"
#include "targets/address.h"

namespace echoscan {

using FrameBuffer = std::span<std::uint8_t, PROBE_FRAME_BYTES>;

// Where every probe of a scan comes from and goes through.
struct FrameAddresses {
  MacAddress source_mac;
  MacAddress gateway_mac;  // of the next hop 0
  Ipv4 source;
  std::uint8_t ttl = 64;
  std::uint8_t tos = 0;
  SourcePool sources = {};  // each target's own instead; empty: `source` alone
};

// Host order.
struct TargetProof {
  std::uint32_t cookie;
  std::uint16_t ip_checksum;
};

class FrameTemplate {
 public:
  static constexpr std::size_t kFrameBytesMax = 1514;

  // `padding` follows the probe's own bytes in each frame, which is kFrameBytesMax long at most.
  FrameTemplate(const FrameAddresses& addresses, const probe_key& key,
                std::vector<std::uint8_t> padding = {});
  // The same probes out of another interface, from that one's MAC and from `source`. They share the
  // MACs of the next hops.
  [[nodiscard]] FrameTemplate out_of(const MacAddress& interface_mac, Ipv4 source) const;

  [[nodiscard]] std::size_t frame_bytes() const { return PROBE_FRAME_BYTES + padding_.size(); }
  [[nodiscard]] const std::vector<std::uint8_t>& padding() const { return padding_; }
  [[nodiscard]] const FrameAddresses& addresses() const { return addresses_; }
  [[nodiscard]] const probe_key& key() const { return constants_.key; }
  [[nodiscard]] bool has_pool() const { return constants_.has_pool; }
  // What probe_write() takes. Not with a pool.
  [[nodiscard]] const probe_sums& sums() const { return constants_.sums; }
  // The MACs, which all copies of this template share.
  [[nodiscard]] const std::shared_ptr<NextHopTable>& next_hops() const { return next_hops_; }

  // Writes everything of a probe that patch() does not: its own PROBE_FRAME_BYTES at least, and of
  // the padding as much as there is room for.
  void fill(std::span<std::uint8_t> frame) const;
  // Makes a filled frame the probe of `target`, sent at `sent_ns` (CLOCK_MONOTONIC).
  void patch(FrameBuffer frame, Target target, std::uint64_t sent_ns) const;
  // The same for any number of them: frames[i], which fill() has written, becomes the probe of
  // targets[i]. Works on ProbeBatch::kSize at a time, which pays from 32 on.
  void patch_batch(std::span<std::uint8_t* const> frames, std::span<const Target> targets,
                   std::uint64_t sent_ns) const;

  // What a probe of `targets[i]` has that no time changes, into `proofs[i]`, for ProbeBatch::kSize
  // of them at most. Not with a pool.
  void prove(std::span<const Target> targets, std::span<TargetProof> proofs) const;

  // Writes a frame that proves a transmit path and reaches nobody: it goes to our own MAC, which a
  // switch never sends back, with the EtherType that IEEE 802 sets aside for local experiments.
  void fill_path_test(FrameBuffer frame) const;

 private:
  void patch_from_pool(FrameBuffer frame, Target target, std::uint64_t sent_ns) const;
  void draw_sources(std::span<const Target> targets, ProbeBatch& batch) const;

  std::array<std::uint8_t, PROBE_FRAME_BYTES> bytes_{};
  std::vector<std::uint8_t> padding_;
  FrameAddresses addresses_;
  ProbeConstants constants_;
  std::shared_ptr<NextHopTable> next_hops_;
  ProbeBatchVersion version_;
};

}  // namespace echoscan
