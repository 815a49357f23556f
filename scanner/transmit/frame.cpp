#include "scanner/transmit/frame.h"

#include <algorithm>
#include <cstring>

#include "bpf/match_reply.h"

namespace echoscan {
namespace {

constexpr std::size_t kIpOffset = PROBE_ETHERNET_BYTES;
constexpr std::size_t kIpChecksumOffset = kIpOffset + 10;
constexpr std::size_t kIpDestinationOffset = kIpOffset + 16;
constexpr std::size_t kIcmpOffset = kIpOffset + PROBE_IPV4_BYTES;
constexpr std::size_t kIcmpChecksumOffset = kIcmpOffset + 2;
constexpr std::size_t kCookieOffset = kIcmpOffset + 4;
constexpr std::size_t kPayloadOffset = kIcmpOffset + PROBE_ICMP_BYTES;
static_assert(kIpChecksumOffset == ProbeBatch::kPatchOffset);

// Fewer frames are patched faster one by one than as lanes most of which are idle.
constexpr std::size_t kBatchMin = 4;

constexpr std::uint8_t kIcmpEchoRequest = 8;
constexpr std::uint16_t kDoNotFragment = 0x4000;
constexpr std::uint16_t kLocalExperimentEtherType = 0x88b5;

void store16(std::uint8_t* at, std::uint16_t value) {
  const std::uint16_t wire = probe_wire16(value);
  std::memcpy(at, &wire, sizeof(wire));
}

void store32(std::uint8_t* at, std::uint32_t value) {
  const std::uint32_t wire = probe_wire32(value);
  std::memcpy(at, &wire, sizeof(wire));
}

std::uint16_t checksum(std::uint64_t sum) {
  return static_cast<std::uint16_t>(~match_fold(sum));
}

}  // namespace

FrameTemplate::FrameTemplate(const FrameAddresses& addresses, const probe_key& key,
                             std::size_t frame_bytes)
    : frame_bytes_(frame_bytes),
      constants_{key, addresses.source.value, 0},
      version_(probe_batch_versions().front()) {
  std::copy_n(addresses.gateway_mac.bytes.data(), 6, bytes_.data());
  std::copy_n(addresses.source_mac.bytes.data(), 6, bytes_.data() + 6);
  store16(bytes_.data() + 12, MATCH_ETHERTYPE_IPV4);

  std::uint8_t* ip = bytes_.data() + kIpOffset;
  ip[0] = 0x45;
  store16(ip + 2, static_cast<std::uint16_t>(frame_bytes - PROBE_ETHERNET_BYTES));
  store16(ip + 6, kDoNotFragment);
  ip[8] = kTtl;
  ip[9] = MATCH_PROTOCOL_ICMP;
  store32(ip + 12, addresses.source.value);
  for (std::size_t word = 0; word < PROBE_IPV4_BYTES; word += 2)
    constants_.ip_sum += match_load16(ip + word);

  bytes_[kIcmpOffset] = kIcmpEchoRequest;
  bytes_[kPayloadOffset + offsetof(probe_payload, version)] = PROBE_VERSION;
}

void FrameTemplate::fill(FrameBuffer frame) const {
  std::copy(bytes_.begin(), bytes_.end(), frame.begin());
}

void FrameTemplate::patch(FrameBuffer frame, Target target, std::uint64_t sent_ns) const {
  const std::uint32_t address = target.address.value;
  const std::uint32_t cookie = probe_cookie(&constants_.key, address);
  const std::uint32_t tag = probe_tag(&constants_.key, address, sent_ns, target.pass);

  store32(frame.data() + kIpDestinationOffset, address);
  store16(frame.data() + kIpChecksumOffset, checksum(std::uint64_t{constants_.ip_sum} + address));

  const probe_payload payload{probe_wire64(sent_ns), probe_wire32(address), probe_wire32(tag),
                              target.pass, PROBE_VERSION};
  store32(frame.data() + kCookieOffset, cookie);
  std::memcpy(frame.data() + kPayloadOffset, &payload, sizeof(payload));
  const std::uint64_t icmp_sum = (std::uint32_t{kIcmpEchoRequest} << 8) + std::uint64_t{cookie} +
                                 (sent_ns >> 32) + (sent_ns & 0xffffffff) + address + tag +
                                 (std::uint32_t{target.pass} << 8) + PROBE_VERSION;
  store16(frame.data() + kIcmpChecksumOffset, checksum(icmp_sum));
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
    version_.compute(constants_, sent_ns, count, batch);
    for (std::size_t i = 0; i < count; ++i) {
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

void FrameTemplate::fill_path_test(FrameBuffer frame) const {
  std::fill(frame.begin(), frame.end(), std::uint8_t{0});
  std::copy_n(bytes_.data() + 6, 6, frame.data());
  std::copy_n(bytes_.data() + 6, 6, frame.data() + 6);
  store16(frame.data() + 12, kLocalExperimentEtherType);
}

}  // namespace echoscan
