#include "tests/reply_cases.h"

#include <algorithm>
#include <utility>

namespace echoscan {
namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr std::uint32_t kUs = 0xc0000201;      // 192.0.2.1
constexpr std::uint32_t kTarget = 0x0a010203;  // 10.1.2.3
constexpr std::uint8_t kPass = 2;
constexpr std::size_t kPayloadBytesMax = std::size_t{MATCH_ICMP_BYTES_MAX} - PROBE_ICMP_BYTES;

void put16(Bytes& bytes, unsigned value) {
  bytes.push_back(static_cast<std::uint8_t>(value >> 8));
  bytes.push_back(static_cast<std::uint8_t>(value));
}

void put32(Bytes& bytes, std::uint32_t value) {
  put16(bytes, value >> 16);
  put16(bytes, value & 0xffff);
}

// RFC 1071 by the book, so that the code under test is not its own judge.
std::uint16_t checksum(const Bytes& bytes) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < bytes.size(); i += 2)
    sum += static_cast<std::uint32_t>(bytes[i] << 8) + (i + 1 < bytes.size() ? bytes[i + 1] : 0U);
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

void set_checksum(Bytes& bytes, std::size_t at) {
  const std::uint16_t sum = checksum(bytes);
  bytes[at] = static_cast<std::uint8_t>(sum >> 8);
  bytes[at + 1] = static_cast<std::uint8_t>(sum);
}

Bytes our_payload(std::uint32_t target = kTarget, std::uint8_t version = PROBE_VERSION) {
  const match_config config = case_config();
  Bytes payload;
  put32(payload, static_cast<std::uint32_t>(kCaseSentNs >> 32));
  put32(payload, static_cast<std::uint32_t>(kCaseSentNs));
  put32(payload, target);
  put32(payload, probe_tag(&config.key, target, kCaseSentNs, kPass));
  payload.push_back(kPass);
  payload.push_back(version);
  return payload;
}

// One frame in words; the defaults are a faultless reply to a probe of ours.
struct Frame {
  std::vector<unsigned> vlan_ethertypes;
  unsigned ethertype = 0x0800;
  unsigned ip_version = 4;
  Bytes ip_options;
  int ip_length_excess = 0;
  unsigned fragment = 0x4000;
  std::uint8_t ttl = 57;
  std::uint8_t protocol = 1;
  std::uint32_t source = kTarget;
  std::uint32_t destination = kUs;
  std::uint8_t icmp_type = 0;
  std::uint8_t icmp_code = 0;
  std::uint32_t cookie = 0;
  Bytes payload = our_payload();
  unsigned ip_checksum_error = 0;
  unsigned icmp_checksum_error = 0;
  std::size_t padding = 0;

  Frame() {
    const match_config config = case_config();
    cookie = probe_cookie(&config.key, kTarget);
  }

  [[nodiscard]] Bytes bytes() const {
    Bytes icmp = {icmp_type, icmp_code, 0, 0};
    put32(icmp, cookie);
    icmp.insert(icmp.end(), payload.begin(), payload.end());
    set_checksum(icmp, 2);
    icmp[3] = static_cast<std::uint8_t>(icmp[3] ^ icmp_checksum_error);

    const std::size_t header = 20 + ip_options.size();
    Bytes ip = {static_cast<std::uint8_t>(ip_version << 4 | header / 4), 0};
    put16(ip, static_cast<unsigned>(static_cast<int>(header + icmp.size()) + ip_length_excess));
    put16(ip, 0x1234);
    put16(ip, fragment);
    ip.push_back(ttl);
    ip.push_back(protocol);
    put16(ip, 0);
    put32(ip, source);
    put32(ip, destination);
    ip.insert(ip.end(), ip_options.begin(), ip_options.end());
    set_checksum(ip, 10);
    ip[11] = static_cast<std::uint8_t>(ip[11] ^ ip_checksum_error);

    Bytes frame(12, 0x02);
    for (const unsigned vlan : vlan_ethertypes) {
      put16(frame, vlan);
      put16(frame, 0x0064);
    }
    put16(frame, ethertype);
    frame.insert(frame.end(), ip.begin(), ip.end());
    frame.insert(frame.end(), icmp.begin(), icmp.end());
    frame.resize(frame.size() + padding);
    return frame;
  }
};

class Table {
 public:
  // A row that is no reply; `change` makes it so.
  template <typename Change>
  void refuse(const char* what, frame_outcome outcome, Change change) {
    Frame frame;
    change(frame);
    cases_.push_back({what, frame.bytes(), outcome, {}});
  }

  template <typename Change>
  void accept(const char* what, frame_outcome outcome, Change change) {
    Frame frame;
    change(frame);
    reply expected{};
    expected.target = kTarget;
    expected.responder = frame.source;
    expected.ttl = frame.ttl;
    expected.outcome = static_cast<__u8>(outcome);
    if (outcome != FRAME_REPLY_ALTERED) {
      expected.sent_ns = kCaseSentNs;
      expected.pass = kPass;
    }
    cases_.push_back({what, frame.bytes(), outcome, expected});
  }

  // A faultless reply, cut after `bytes` bytes of the frame.
  void cut(const std::string& where, std::size_t bytes,
           std::vector<unsigned> vlan_ethertypes = {}) {
    Frame frame;
    frame.vlan_ethertypes = std::move(vlan_ethertypes);
    Bytes cut_frame = frame.bytes();
    cut_frame.resize(bytes);
    cases_.push_back({"cut " + where, cut_frame, FRAME_SHORT, {}});
  }

  std::vector<ReplyCase> take() { return std::move(cases_); }

 private:
  std::vector<ReplyCase> cases_;
};

void add_torn(Table& table) {
  table.cut("to nothing", 0);
  table.cut("inside the MAC addresses", 9);
  table.cut("before the EtherType", 13);
  table.cut("behind Ethernet", 14);
  table.cut("inside IPv4", 33);
  table.cut("behind IPv4", 34);
  table.cut("inside ICMP", 41);
  table.cut("behind ICMP", 42);
  table.cut("inside the payload", 59);
  table.cut("inside a VLAN tag", 16, {0x8100});
  table.cut("behind two VLAN tags", 20, {0x88a8, 0x8100});
  table.cut("behind Ethernet with two VLAN tags", 22, {0x88a8, 0x8100});
  table.refuse("total length beyond the frame", FRAME_SHORT,
               [](Frame& f) { f.ip_length_excess = 1; });
  table.refuse("total length far beyond", FRAME_SHORT,
               [](Frame& f) { f.ip_length_excess = 60000; });
  table.refuse("total length ends inside ICMP", FRAME_SHORT,
               [](Frame& f) { f.ip_length_excess = -19; });
  table.refuse("total length below its header", FRAME_BAD_IPV4,
               [](Frame& f) { f.ip_length_excess = -27; });
  table.refuse("IP version 6 in an IPv4 frame", FRAME_BAD_IPV4, [](Frame& f) { f.ip_version = 6; });
}

void add_strangers(Table& table) {
  table.refuse("ARP", FRAME_NOT_IPV4, [](Frame& f) { f.ethertype = 0x0806; });
  table.refuse("IPv6", FRAME_NOT_IPV4, [](Frame& f) { f.ethertype = 0x86dd; });
  table.refuse("three VLAN tags", FRAME_NOT_IPV4, [](Frame& f) {
    f.vlan_ethertypes = {0x88a8, 0x8100, 0x8100};
  });
  table.refuse("TCP", FRAME_NOT_ICMP, [](Frame& f) { f.protocol = 6; });
  table.refuse("UDP", FRAME_NOT_ICMP, [](Frame& f) { f.protocol = 17; });
  table.refuse("to another address", FRAME_NOT_TO_US, [](Frame& f) { f.destination = kUs + 1; });
  table.refuse("first fragment", FRAME_FRAGMENT, [](Frame& f) { f.fragment = 0x2000; });
  table.refuse("later fragment", FRAME_FRAGMENT, [](Frame& f) { f.fragment = 0x0010; });
  table.refuse("echo request", FRAME_NOT_ECHO_REPLY, [](Frame& f) { f.icmp_type = 8; });
  table.refuse("destination unreachable", FRAME_NOT_ECHO_REPLY, [](Frame& f) { f.icmp_type = 3; });
  table.refuse("echo reply with a code", FRAME_NOT_ECHO_REPLY, [](Frame& f) { f.icmp_code = 1; });
}

void add_forged(Table& table) {
  table.refuse("cookie off by one bit", FRAME_UNPROVED, [](Frame& f) { f.cookie ^= 1; });
  table.refuse("cookie off in the identifier", FRAME_UNPROVED,
               [](Frame& f) { f.cookie ^= 0x80000000; });
  table.refuse("no cookie", FRAME_UNPROVED, [](Frame& f) { f.cookie = 0; });
  table.refuse("the host's own ping", FRAME_UNPROVED, [](Frame& f) {
    f.cookie = 0x00010001;
    f.payload = Bytes(56, 0x2a);
  });
  table.refuse("our cookie from an address that it is not for", FRAME_UNPROVED, [](Frame& f) {
    f.source = kTarget + 1;
    f.payload = Bytes(18, 0);
  });
  table.refuse("another's payload with our tag moved over", FRAME_UNPROVED, [](Frame& f) {
    f.source = kTarget + 1;
    f.payload[11] ^= 1;
  });
  table.refuse("an off-target payload of another version", FRAME_UNPROVED, [](Frame& f) {
    f.source = kTarget + 1;
    f.payload = our_payload(kTarget, PROBE_VERSION + 1);
  });
  table.refuse("a proved payload for one target under the cookie of none", FRAME_UNPROVED,
               [](Frame& f) {
                 f.source = kTarget + 1;
                 f.cookie ^= 0x100;
               });
  table.refuse("damaged IPv4 header", FRAME_WRONG_IP_CHECKSUM,
               [](Frame& f) { f.ip_checksum_error = 1; });
  table.refuse("damaged ICMP", FRAME_WRONG_ICMP_CHECKSUM,
               [](Frame& f) { f.icmp_checksum_error = 1; });
  table.refuse("damaged, of odd length", FRAME_WRONG_ICMP_CHECKSUM, [](Frame& f) {
    f.payload.resize(17);
    f.icmp_checksum_error = 0x80;
  });
  table.refuse("longer than any reply of ours", FRAME_TOO_LONG,
               [](Frame& f) { f.payload.resize(kPayloadBytesMax + 1, 0); });
}

void add_replies(Table& table) {
  table.accept("reply", FRAME_REPLY, [](Frame&) {});
  table.accept("reply, padded", FRAME_REPLY, [](Frame& f) { f.padding = 40; });
  table.accept("reply, TTL 255", FRAME_REPLY, [](Frame& f) { f.ttl = 255; });
  table.accept("reply, not marked unfragmentable", FRAME_REPLY, [](Frame& f) { f.fragment = 0; });
  table.accept("reply in a VLAN", FRAME_REPLY, [](Frame& f) { f.vlan_ethertypes = {0x8100}; });
  table.accept("reply in two VLANs", FRAME_REPLY, [](Frame& f) {
    f.vlan_ethertypes = {0x88a8, 0x8100};
  });
  table.accept("reply with 4 bytes of options", FRAME_REPLY,
               [](Frame& f) { f.ip_options = Bytes(4, 1); });
  table.accept("reply with 40 bytes of options", FRAME_REPLY,
               [](Frame& f) { f.ip_options = Bytes(40, 1); });
  table.accept("reply with more behind the payload", FRAME_REPLY,
               [](Frame& f) { f.payload.resize(500, 0x55); });
  table.accept("reply as long as can be", FRAME_REPLY,
               [](Frame& f) { f.payload.resize(kPayloadBytesMax, 0x55); });
  table.accept("payload gone", FRAME_REPLY_ALTERED, [](Frame& f) { f.payload.clear(); });
  table.accept("payload cut to an odd length", FRAME_REPLY_ALTERED,
               [](Frame& f) { f.payload.resize(17); });
  table.accept("send time changed", FRAME_REPLY_ALTERED, [](Frame& f) { f.payload[7] ^= 1; });
  table.accept("tag changed", FRAME_REPLY_ALTERED, [](Frame& f) { f.payload[12] ^= 1; });
  table.accept("pass changed", FRAME_REPLY_ALTERED, [](Frame& f) { f.payload[16] ^= 1; });
  table.accept("another probe's payload under its own cookie", FRAME_REPLY_ALTERED,
               [](Frame& f) { f.payload = our_payload(kTarget + 1); });
  table.accept("reply from another address", FRAME_REPLY_OFF_TARGET,
               [](Frame& f) { f.source = 0x08080808; });
}

}  // namespace

match_config case_config() {
  return {
      {{0x0706050403020100, 0x0f0e0d0c0b0a0908}, {0x1716151413121110, 0x1f1e1d1c1b1a1918}}, kUs, 0};
}

std::vector<ReplyCase> reply_cases() {
  Table table;
  add_torn(table);
  add_strangers(table);
  add_forged(table);
  add_replies(table);
  return table.take();
}

}  // namespace echoscan
