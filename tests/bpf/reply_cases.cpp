#include "tests/bpf/reply_cases.h"

#include <cctype>
#include <utility>

#include "tests/bpf/case_frame.h"

namespace echoscan {
namespace {

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
    expected.icmp_type = frame.icmp_type;
    expected.icmp_code = frame.icmp_code;
    expected.outcome = static_cast<__u8>(outcome);
    if (outcome != FRAME_REPLY_ALTERED) {
      expected.sent_ns = kCaseSentNs;
      expected.pass = kPass;
    }
    cases_.push_back({what, frame.bytes(), outcome, expected});
  }

  // An error of a router about `quote`, which `change` may change, and the frame with it.
  template <typename Change>
  void accept_error(const std::string& what, std::uint8_t type, std::uint8_t code, bool is_timed,
                    Change change) {
    Frame frame;
    Quote quote;
    make_error(frame, quote, type, code, change);
    reply expected{};
    expected.target = quote.destination;
    expected.responder = frame.source;
    expected.ttl = frame.ttl;
    expected.icmp_type = type;
    expected.icmp_code = code;
    expected.outcome = FRAME_ERROR;
    expected.quoted_ttl = quote.ttl;
    if (is_timed) {
      expected.sent_ns = kCaseSentNs;
      expected.pass = kPass;
    }
    cases_.push_back({what, frame.bytes(), FRAME_ERROR, expected});
  }

  template <typename Change>
  void refuse_error(const char* what, frame_outcome outcome, Change change) {
    Frame frame;
    Quote quote;
    make_error(frame, quote, WIRE_ICMP_UNREACHABLE, 1, change);
    cases_.push_back({what, frame.bytes(), outcome, {}});
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
  template <typename Change>
  static void make_error(Frame& frame, Quote& quote, std::uint8_t type, std::uint8_t code,
                         Change change) {
    frame.source = kRouter;
    frame.icmp_type = type;
    frame.icmp_code = code;
    frame.cookie = 0;
    change(frame, quote);
    frame.payload = quote.bytes();
  }

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
  table.refuse("echo request", FRAME_OTHER_ICMP, [](Frame& f) { f.icmp_type = 8; });
  table.refuse("timestamp reply", FRAME_OTHER_ICMP, [](Frame& f) { f.icmp_type = 14; });
  table.refuse("echo reply with a code", FRAME_OTHER_ICMP, [](Frame& f) { f.icmp_code = 1; });
}

void add_forged(Table& table) {
  table.refuse("cookie off by one bit", FRAME_WRONG_TARGET, [](Frame& f) { f.cookie ^= 1; });
  table.refuse("cookie off in the identifier", FRAME_WRONG_TARGET,
               [](Frame& f) { f.cookie ^= 0x80000000; });
  table.refuse("no cookie", FRAME_WRONG_TARGET, [](Frame& f) { f.cookie = 0; });
  table.refuse("no cookie and no payload", FRAME_UNPROVED, [](Frame& f) {
    f.cookie = 0;
    f.payload.clear();
  });
  table.refuse("reply to another scan's probe", FRAME_STALE, [](Frame& f) {
    f.cookie ^= 0x12345678;
    f.payload = our_payload(kTarget, PROBE_VERSION, 1);
  });
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
  table.refuse("a proved payload for one target under the cookie of none", FRAME_WRONG_TARGET,
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

void add_torn_errors(Table& table) {
  constexpr frame_outcome kUnproved = FRAME_ERROR_UNPROVED;
  table.refuse_error("error that quotes nothing", kUnproved,
                     [](Frame&, Quote& q) { q.bytes_max = 0; });
  table.refuse_error("error that quotes 19 bytes of IPv4", kUnproved,
                     [](Frame&, Quote& q) { q.bytes_max = 19; });
  table.refuse_error("error that quotes IPv4 alone", kUnproved,
                     [](Frame&, Quote& q) { q.bytes_max = 20; });
  table.refuse_error("error that quotes 7 bytes of ICMP", kUnproved,
                     [](Frame&, Quote& q) { q.bytes_max = 27; });
  table.refuse_error("7 bytes of ICMP, and padding behind the datagram", kUnproved,
                     [](Frame& f, Quote& q) {
                       q.bytes_max = 27;
                       f.padding = 20;
                     });
  table.refuse_error("7 bytes of ICMP behind 40 bytes of options", kUnproved, [](Frame&, Quote& q) {
    q.ip_options = Bytes(40, 1);
    q.bytes_max = 67;
  });
  table.refuse_error("quoted header shorter than IPv4's", kUnproved,
                     [](Frame&, Quote& q) { q.header_words = 4; });
  table.refuse_error("quoted header longer than the quote", kUnproved,
                     [](Frame&, Quote& q) { q.header_words = 15; });
  table.refuse_error("quote of IP version 6", kUnproved,
                     [](Frame&, Quote& q) { q.ip_version = 6; });
  table.refuse_error("error cut by its total length", kUnproved,
                     [](Frame& f, Quote&) { f.ip_length_excess = -19; });
  table.refuse_error("error longer than its frame", FRAME_SHORT,
                     [](Frame& f, Quote&) { f.ip_length_excess = 1; });
}

void add_forged_errors(Table& table) {
  constexpr frame_outcome kUnproved = FRAME_ERROR_UNPROVED;
  table.refuse_error("error about TCP", kUnproved, [](Frame&, Quote& q) { q.protocol = 6; });
  table.refuse_error("error about another's probe", kUnproved,
                     [](Frame&, Quote& q) { q.source = kUs + 1; });
  table.refuse_error("error about another target", kUnproved,
                     [](Frame&, Quote& q) { q.destination = kTarget + 1; });
  table.refuse_error("error about another target, quoting 8 bytes", kUnproved,
                     [](Frame&, Quote& q) {
                       q.destination = kTarget + 1;
                       q.bytes_max = 28;
                     });
  table.refuse_error("error with a forged cookie", kUnproved,
                     [](Frame&, Quote& q) { q.cookie ^= 0x8000; });
  table.refuse_error("error with a forged cookie, quoting 8 bytes", kUnproved,
                     [](Frame&, Quote& q) {
                       q.cookie ^= 1;
                       q.bytes_max = 28;
                     });
  table.refuse_error("error about an echo reply", kUnproved,
                     [](Frame&, Quote& q) { q.icmp_type = 0; });
  table.refuse_error("error about an echo request with a code", kUnproved,
                     [](Frame&, Quote& q) { q.icmp_code = 1; });
  table.refuse_error("error about another scan's probe", kUnproved, [](Frame&, Quote& q) {
    q.cookie ^= 0x12345678;
    q.payload = our_payload(kTarget, PROBE_VERSION, 1);
  });
  table.refuse_error("error to another address", FRAME_NOT_TO_US,
                     [](Frame& f, Quote&) { f.destination = kUs + 1; });
  table.refuse_error("error in fragments", FRAME_FRAGMENT,
                     [](Frame& f, Quote&) { f.fragment = 0x2000; });
  table.refuse_error("quote under a type that quotes nothing", FRAME_OTHER_ICMP,
                     [](Frame& f, Quote&) { f.icmp_type = 13; });
  table.refuse_error("error with a damaged IPv4 header", FRAME_WRONG_IP_CHECKSUM,
                     [](Frame& f, Quote&) { f.ip_checksum_error = 1; });
  table.refuse_error("error, damaged", FRAME_WRONG_ICMP_CHECKSUM,
                     [](Frame& f, Quote&) { f.icmp_checksum_error = 0x40; });
  table.refuse_error("longer than any error for us", FRAME_TOO_LONG, [](Frame&, Quote& q) {
    q.extension.resize(kPayloadBytesMax + 1 - q.bytes().size());
  });
}

void add_errors(Table& table) {
  for (const auto& [type, codes] : {std::pair{WIRE_ICMP_UNREACHABLE, 16},
                                    {WIRE_ICMP_SOURCE_QUENCH, 1},
                                    {WIRE_ICMP_REDIRECT, 4},
                                    {WIRE_ICMP_TIME_EXCEEDED, 2},
                                    {WIRE_ICMP_PARAMETER_PROBLEM, 3}})
    for (int code = 0; code < codes; ++code)
      table.accept_error("error " + std::to_string(type) + " code " + std::to_string(code),
                         static_cast<std::uint8_t>(type), static_cast<std::uint8_t>(code), true,
                         [](Frame&, Quote&) {});
  table.accept_error("error with a code of the future", 3, 255, true, [](Frame&, Quote&) {});
  const auto accept = [&table](const char* what, bool is_timed, auto change) {
    table.accept_error(what, WIRE_ICMP_UNREACHABLE, 1, is_timed, change);
  };
  accept("error that quotes 8 bytes", false, [](Frame&, Quote& q) { q.bytes_max = 28; });
  accept("8 bytes, padded to the smallest frame", false, [](Frame& f, Quote& q) {
    q.bytes_max = 28;
    f.padding = 4;
  });
  accept("error that quotes 25 bytes", false, [](Frame&, Quote& q) { q.bytes_max = 45; });
  accept("error that quotes the payload changed", false,
         [](Frame&, Quote& q) { q.payload[12] ^= 1; });
  accept("error that quotes another target's payload", false,
         [](Frame&, Quote& q) { q.payload = our_payload(kTarget + 1); });
  accept("error by the target itself", true, [](Frame& f, Quote&) { f.source = kTarget; });
  accept("quote with 4 bytes of options", true,
         [](Frame&, Quote& q) { q.ip_options = Bytes(4, 1); });
  accept("quote with 40 bytes of options", true,
         [](Frame&, Quote& q) { q.ip_options = Bytes(40, 1); });
  accept("quote of 8 bytes behind 40 bytes of options", false, [](Frame&, Quote& q) {
    q.ip_options = Bytes(40, 1);
    q.bytes_max = 68;
  });
  accept("error with options of its own", true,
         [](Frame& f, Quote&) { f.ip_options = Bytes(24, 1); });
  accept("quoted TTL 0", true, [](Frame&, Quote& q) { q.ttl = 0; });
  accept("quoted TTL 255", true, [](Frame&, Quote& q) { q.ttl = 255; });
  accept("quoted length and flags in host byte order", true, [](Frame&, Quote& q) {
    q.total_length = 0x2e00;
    q.fragment = 0x0040;
  });
  accept("quote padded, with extensions behind it (RFC 4884)", true, [](Frame& f, Quote& q) {
    f.cookie = 0x00200000;
    q.extension = Bytes(128 - 46, 0);
    const Bytes extension = {0x20, 0, 0x9c, 0x5d, 0, 8, 1, 1, 0x19, 0x4a, 0x11, 1};
    q.extension.insert(q.extension.end(), extension.begin(), extension.end());
  });
  accept("fragmentation needed, with an MTU", true, [](Frame& f, Quote&) { f.cookie = 1400; });
  accept("error in two VLANs", true, [](Frame& f, Quote&) {
    f.vlan_ethertypes = {0x88a8, 0x8100};
  });
  accept("error as long as can be", true,
         [](Frame&, Quote& q) { q.extension.resize(kPayloadBytesMax - q.bytes().size()); });
}

}  // namespace

match_config case_config() {
  return {
      {{0x0706050403020100, 0x0f0e0d0c0b0a0908}, {0x1716151413121110, 0x1f1e1d1c1b1a1918}}, kUs, 0};
}

std::string corpus_name(const ReplyCase& row) {
  std::string name;
  for (const char c : row.what) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0) {
      name += c;
    } else if (!name.empty() && name.back() != '_') {
      name += '_';
    }
  }
  return name;
}

std::vector<ReplyCase> reply_cases() {
  Table table;
  add_torn(table);
  add_strangers(table);
  add_forged(table);
  add_torn_errors(table);
  add_forged_errors(table);
  add_replies(table);
  add_errors(table);
  return table.take();
}

}  // namespace echoscan
