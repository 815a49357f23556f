#include "scanner/transmit/frame.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace echoscan {
namespace {

static_assert(std::size_t{PROBE_IP_CHECKSUM_OFFSET} == ProbeBatch::kPatchOffset);

// Fewer frames are patched faster one by one than as lanes most of which are idle.
constexpr std::size_t kBatchMin = 4;

constexpr std::uint16_t kDoNotFragment = 0x4000;

}  // namespace

FrameTemplate::FrameTemplate(const FrameAddresses& addresses, const probe_key& key,
                             std::vector<std::uint8_t> padding)
    : padding_(std::move(padding)),
      addresses_(addresses),
      constants_{key, addresses.source.value, {}, !addresses.sources.empty()},
      next_hops_(std::make_shared<NextHopTable>(addresses.source_mac, addresses.gateway_mac)),
      version_(probe_batch_versions().front()) {
  std::copy_n(addresses.gateway_mac.bytes.data(), 6, bytes_.data());
  std::copy_n(addresses.source_mac.bytes.data(), 6, bytes_.data() + 6);
  wire_store16(bytes_.data() + WIRE_ETHERTYPE_OFFSET, WIRE_ETHERTYPE_IPV4);

  std::uint8_t* ip = bytes_.data() + PROBE_IP_OFFSET;
  ip[0] = 0x45;
  ip[1] = addresses.tos;
  wire_store16(ip + WIRE_IP_LENGTH_OFFSET,
               static_cast<std::uint16_t>(frame_bytes() - PROBE_ETHERNET_BYTES));
  wire_store16(ip + WIRE_IP_FRAGMENT_OFFSET, kDoNotFragment);
  ip[WIRE_IP_TTL_OFFSET] = addresses.ttl;
  ip[WIRE_IP_PROTOCOL_OFFSET] = WIRE_PROTOCOL_ICMP;
  if (!has_pool()) wire_store32(ip + WIRE_IP_SOURCE_OFFSET, addresses.source.value);
  for (std::size_t word = 0; word < PROBE_IPV4_BYTES; word += 2)
    constants_.sums.ip += wire_load16(ip + word);
  // It begins at an even place of the message.
  for (std::size_t i = 0; i < padding_.size(); ++i)
    constants_.sums.padding += i % 2 == 0 ? padding_[i] * 256U : padding_[i];

  bytes_[PROBE_ICMP_OFFSET] = WIRE_ICMP_ECHO_REQUEST;
  bytes_[PROBE_PAYLOAD_OFFSET + PROBE_VERSION_OFFSET] = PROBE_VERSION;
}

FrameTemplate FrameTemplate::out_of(const MacAddress& interface_mac, Ipv4 source) const {
  FrameAddresses addresses = addresses_;
  addresses.source_mac = interface_mac;
  addresses.source = source;
  FrameTemplate other(addresses, key(), padding_);
  other.next_hops_ = next_hops_;
  return other;
}

void FrameTemplate::fill(std::span<std::uint8_t> frame) const {
  std::copy(bytes_.begin(), bytes_.end(), frame.begin());
  std::copy_n(padding_.begin(), std::min(padding_.size(), frame.size() - bytes_.size()),
              frame.begin() + PROBE_FRAME_BYTES);
}

void FrameTemplate::patch(FrameBuffer frame, Target target, std::uint64_t sent_ns) const {
  const std::uint64_t head = next_hops_->frame_head(target.next_hop);
  std::memcpy(frame.data(), &head, sizeof(head));
  if (has_pool()) return patch_from_pool(frame, target, sent_ns);
  probe_write(frame.data(), &constants_.key, &constants_.sums, target.address.value, target.pass,
              sent_ns);
}

// Apart, so that the usual way is as short as it was.
[[gnu::noinline]] void FrameTemplate::patch_from_pool(FrameBuffer frame, Target target,
                                                      std::uint64_t sent_ns) const {
  const std::uint32_t address = target.address.value;
  const std::uint32_t source = addresses_.sources.source_of(target.address).value;
  wire_store32(frame.data() + PROBE_IP_OFFSET + WIRE_IP_SOURCE_OFFSET, source);
  const half_tag half = probe_tag_begin(&constants_.key, sent_ns);
  probe_write_with(frame.data(), &half, probe_cookie_from(&constants_.key, address, source),
                   wire_checksum(std::uint64_t{constants_.sums.ip} + source + address),
                   constants_.sums.padding, address, target.pass, sent_ns);
}

[[gnu::noinline]] void FrameTemplate::draw_sources(std::span<const Target> targets,
                                                   ProbeBatch& batch) const {
  for (std::size_t i = 0; i < targets.size(); ++i)
    batch.source[i] = addresses_.sources.source_of(targets[i].address).value;
}

void FrameTemplate::patch_batch(std::span<std::uint8_t* const> frames,
                                std::span<const Target> targets, std::uint64_t sent_ns) const {
  ProbeBatch batch;
  while (targets.size() >= kBatchMin) {
    const std::size_t count = std::min(targets.size(), ProbeBatch::kSize);
    for (std::size_t i = 0; i < count; ++i) {
      batch.address[i] = targets[i].address.value;
      batch.pass[i] = targets[i].pass;
    }
    if (has_pool()) draw_sources(targets.first(count), batch);
    version_.compute(constants_, sent_ns, count, batch);
    for (std::size_t i = 0; i < count; ++i) {
      const std::uint64_t head = next_hops_->frame_head(targets[i].next_hop);
      std::memcpy(frames[i], &head, sizeof(head));
      std::uint8_t* at = frames[i] + ProbeBatch::kPatchOffset;
      for (std::size_t word = 0; word + 1 < ProbeBatch::kPatchWords; ++word)
        std::memcpy(at + word * 8, &batch.words[word][i], 8);
      std::memcpy(at + (ProbeBatch::kPatchWords - 1) * 8, &batch.words.back()[i], 4);
    }
    frames = frames.subspan(count);
    targets = targets.subspan(count);
  }
  for (std::size_t i = 0; i < targets.size(); ++i)
    patch(FrameBuffer(frames[i], PROBE_FRAME_BYTES), targets[i], sent_ns);
}

// The lanes have tags as well, of no time: all of it is 6 ns a target with AVX-512, 14 with AVX2.
void FrameTemplate::prove(std::span<const Target> targets, std::span<TargetProof> proofs) const {
  ProbeBatch batch;
  for (std::size_t i = 0; i < targets.size(); ++i) {
    batch.address[i] = targets[i].address.value;
    batch.pass[i] = 0;
  }
  version_.compute(constants_, 0, targets.size(), batch);
  for (std::size_t i = 0; i < targets.size(); ++i)
    proofs[i] = {static_cast<std::uint32_t>(batch.cookie[i]),
                 static_cast<std::uint16_t>(wire_order64(batch.words[0][i]) >> 48)};
}

void FrameTemplate::fill_path_test(FrameBuffer frame) const {
  std::fill(frame.begin(), frame.end(), std::uint8_t{0});
  std::copy_n(bytes_.data() + 6, 6, frame.data());
  std::copy_n(bytes_.data() + 6, 6, frame.data() + 6);
  wire_store16(frame.data() + WIRE_ETHERTYPE_OFFSET, WIRE_ETHERTYPE_LOCAL_EXPERIMENT);
}

}  // namespace echoscan
