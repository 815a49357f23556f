#include "targets/cloud_list.h"

#include <array>
#include <cstdint>
#include <iterator>
#include <new>
#include <nlohmann/json.hpp>
#include <vector>

#include "targets/target_line.h"

namespace echoscan {
namespace {

using Json = nlohmann::json;

constexpr const char* kUnknownShape =
    "it is JSON, but no list that is read: there is no array `prefixes` (Amazon, Google), `values` "
    "(Microsoft), `regions` (Oracle) or `ips` (Microsoft 365) in it, and none of prefixes (GitHub, "
    "Fastly, Cloudflare)";
constexpr const char* kUnknownLines =
    "its lines are JSON, but the first one has neither a `target` (results) nor a `cidr` "
    "(Spamhaus)";
// The parser's messages quote what it read last, however long that is.
constexpr std::size_t kParserSentenceMax = 200;

// No key or value of a cloud's list is as long as this, and no element has so many prefixes: the
// parser keeps a token whole, however long it is.
constexpr std::size_t kTokenBytesMax = 64 << 10;
constexpr std::size_t kElementPrefixesMax = 250'000;

// Watches the length of tokens, as far as that takes: strings, and what stands between brackets,
// commas, colons and blanks.
class TokenLimit {
 public:
  // False when the token that the byte belongs to is too long.
  bool take(char c) {
    if (c == '\n') ++line_;
    if (is_string_) {
      is_string_ = is_escaped_ || c != '"';
      is_escaped_ = !is_escaped_ && c == '\\';
      return ++bytes_ <= kTokenBytesMax;
    }
    is_string_ = c == '"';
    const bool is_between = c <= ' ' || c == ',' || c == ':' || c == '[' || c == ']' || c == '{' ||
                            c == '}' || is_string_;
    bytes_ = is_between ? 0 : bytes_ + 1;
    return bytes_ <= kTokenBytesMax;
  }
  [[nodiscard]] bool is_exceeded() const { return bytes_ > kTokenBytesMax; }
  [[nodiscard]] std::uint64_t line() const { return line_; }

 private:
  std::uint64_t line_ = 1;
  std::size_t bytes_ = 0;
  bool is_string_ = false;
  bool is_escaped_ = false;
};

// An iterator over the bytes, as the parser wants it. It may not be copied, since moving one of two
// on takes the chunk from the other; the parser does not copy it.
class ByteIterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  ByteIterator() = default;
  ByteIterator(ListBytes& bytes, TokenLimit& limit) : bytes_(&bytes), limit_(&limit) { fetch(); }
  reference operator*() const { return chunk_.front(); }
  ByteIterator& operator++() {
    if (!limit_->take(chunk_.front())) {
      chunk_ = {};  // to the parser that is the end
      return *this;
    }
    chunk_.remove_prefix(1);
    if (chunk_.empty()) fetch();
    return *this;
  }
  // Two are equal when both are at the end; the parser asks for nothing else.
  friend bool operator==(const ByteIterator& a, const ByteIterator& b) {
    return a.chunk_.empty() && b.chunk_.empty();
  }
  friend bool operator!=(const ByteIterator& a, const ByteIterator& b) { return !(a == b); }

 private:
  void fetch() { chunk_ = bytes_->next(); }

  ListBytes* bytes_ = nullptr;
  TokenLimit* limit_ = nullptr;
  std::string_view chunk_;
};

// What has been read of an element: its keys come in any order.
struct Element {
  struct Prefix {
    std::string text;
    std::string tags;  // Oracle's, joined
  };
  std::vector<Prefix> prefixes;
  std::string place;    // region, scope or Microsoft 365's service area
  std::string service;  // or Microsoft's name, or Microsoft 365's category
  bool has_prefixes = false;
  bool has_hosts = false;

  void clear() {
    prefixes.clear();
    place.clear();
    service.clear();
    has_prefixes = false;
    has_hosts = false;
  }
  [[nodiscard]] std::string label(const std::string& tags) const {
    const std::string& second = tags.empty() ? service : tags;
    return place + (place.empty() || second.empty() ? "" : "/") + second;
  }
};

// What the values are that stand directly in the container that is open.
enum class Within {
  other,
  items,     // of an array that may be one of prefixes
  elements,  // of an array of objects with prefixes in them
  element,   // one of these
  prefixes,  // of an element
  hosts,     // of an element of Microsoft 365's
  block,     // of an element of Oracle's
  tags,      // of such a block
};

bool is_element_array(const std::string& key) {
  return key == "prefixes" || key == "ipv6_prefixes" || key == "values" || key == "regions";
}

// Fastly's and Cloudflare's keys say nothing about their prefixes.
bool is_unnamed_array(const std::string& key) {
  return key == "addresses" || key == "ipv6_addresses" || key == "ipv4_cidrs" ||
         key == "ipv6_cidrs";
}

// Takes the parser's events. `path_` holds the brackets of the containers that are open: an
// element's own keys are at "{[{", Microsoft's prefixes at "{[{{[".
class CloudListReader : public nlohmann::json_sax<Json> {
 public:
  CloudListReader(std::string_view name, TargetList& list) : list_(list), name_(name) {}

  bool null() override { return other_value(); }
  bool boolean(bool) override { return other_value(); }
  bool number_integer(number_integer_t) override { return other_value(); }
  bool number_unsigned(number_unsigned_t) override { return other_value(); }
  bool number_float(number_float_t, const string_t&) override { return other_value(); }
  bool binary(binary_t&) override { return other_value(); }

  bool string(string_t& text) override {
    if (is_prefix_value()) return take_prefix(text);
    switch (within_) {
      case Within::items:
        take_item(text);
        break;
      case Within::elements:
        return other_value();
      case Within::element:
        refuse_stray(text);
        take_label_part(text);
        break;
      case Within::tags:
        refuse_stray(text);
        block_.tags.append(block_.tags.empty() ? "" : "+").append(text);
        break;
      case Within::hosts:
        element_.has_hosts = true;
        refuse_stray(text);
        break;
      default:
        refuse_stray(text);
    }
    return true;
  }

  bool key(string_t& text) override {
    refuse_stray(text);
    if (object_depth_ <= keys_.size()) keys_[object_depth_ - 1] = text;
    return true;
  }

  bool start_object(std::size_t) override { return open('{'); }
  bool start_array(std::size_t) override { return open('['); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  bool parse_error(std::size_t, const std::string&, const Json::exception& error) override {
    if (is_over_ && !is_list_ && is_object_) {
      failure = kUnknownLines;
      return false;
    }
    // "[json.exception.parse_error.101] parse error at line 3, column 1: ..."
    const std::string_view text = error.what();
    const std::size_t end_of_tag = text.find("] ");
    failure = "its JSON is broken: ";
    failure += excerpt(text.substr(end_of_tag == std::string_view::npos ? 0 : end_of_tag + 2),
                       kParserSentenceMax);
    return false;
  }

  // Whether there was anything in it that lists have.
  [[nodiscard]] bool is_list() const { return is_list_; }

  std::string failure;

 private:
  static constexpr std::size_t kDepthMax = 64;

  [[nodiscard]] bool is_root_array() const { return path_.front() == '['; }
  // The key of the array that elements or items are in; empty when it is the document.
  [[nodiscard]] const std::string& array_key() const {
    static const std::string none;
    return is_root_array() ? none : keys_[path_.starts_with("{{") ? 1 : 0];
  }
  // Of the element.
  [[nodiscard]] const std::string& element_key() const { return keys_[is_root_array() ? 0 : 1]; }
  [[nodiscard]] ListPlace place() const { return {name_, 0, array_key(), index_}; }

  [[nodiscard]] Within find_within() const {
    if (path_ == "[") return Within::items;
    if (path_ == "{[") return is_element_array(keys_[0]) ? Within::elements : Within::items;
    if (path_ == "{{[" && keys_[0] == "result") return Within::items;
    if (path_ == "[{" || (path_ == "{[{" && is_element_array(keys_[0]))) return Within::element;
    if (path_ == "[{[" && keys_[0] == "ips") return Within::prefixes;
    if (path_ == "[{[" && keys_[0] == "urls") return Within::hosts;
    if (path_ == "{[{{[" && keys_[0] == "values" && keys_[1] == "properties" &&
        keys_[2] == "addressPrefixes")
      return Within::prefixes;
    const bool is_block = keys_[0] == "regions" && keys_[1] == "cidrs";
    if (path_ == "{[{[{" && is_block) return Within::block;
    if (path_ == "{[{[{[" && is_block && keys_[2] == "tags") return Within::tags;
    return Within::other;
  }

  // Whether the keys that lead here say that the next value is a prefix of an element.
  [[nodiscard]] bool is_prefix_value() const {
    if (within_ == Within::prefixes) return true;
    if (within_ == Within::block) return keys_[2] == "cidr";
    if (within_ != Within::element || is_root_array()) return false;
    const bool has_own_prefix = keys_[0] == "prefixes" || keys_[0] == "ipv6_prefixes";
    const std::string& key = keys_[1];
    return has_own_prefix && (key == "ip_prefix" || key == "ipv4Prefix" || key == "ipv6Prefix" ||
                              key == "ipv6_prefix");
  }

  bool take_prefix(std::string& text) {
    if (within_ == Within::block) {
      block_.text = std::move(text);
      return true;
    }
    element_.has_prefixes = true;
    return keep_prefix({std::move(text), {}});
  }

  bool keep_prefix(Element::Prefix prefix) {
    if (element_.prefixes.size() == kElementPrefixesMax) {
      failure = place().element_text() + " has more than " + std::to_string(kElementPrefixesMax) +
                " prefixes";
      return false;
    }
    element_.prefixes.push_back(std::move(prefix));
    return true;
  }

  void take_label_part(std::string& text) {
    const std::string& key = element_key();
    const bool is_root = is_root_array();
    if (is_root ? key == "serviceArea" : key == "region" || key == "scope") {
      element_.place = std::move(text);
    } else if (is_root ? key == "category" : key == "service" || key == "name") {
      element_.service = std::move(text);
    }
  }

  // The first item says whether an array under a key is one of prefixes; the document itself is.
  void take_item(const std::string& text) {
    if (index_ == 0)
      is_prefix_array_ =
          is_root_array() || is_unnamed_array(array_key()) || is_written_as_target(text);
    if (is_prefix_array_) {
      is_list_ = true;
      list_.add(text, is_unnamed_array(array_key()) ? std::string_view() : array_key(), place());
    } else if (is_written_as_target(text)) {
      list_.add_error(place(), text, "it stands in an array that does not begin with a prefix");
    }
    ++index_;
  }

  void refuse_stray(const std::string& text) { list_.refuse_stray(text, {name_}); }

  // A value that is not text is an error where a prefix or an element has to be.
  bool other_value() {
    if (is_prefix_value()) {
      if (within_ != Within::block) element_.has_prefixes = true;
      is_block_wrong_ = within_ == Within::block;
      list_.add_error(place(), "", "the prefix is no text");
    } else if (within_ == Within::elements) {
      list_.add_error(place(), "", "this is no object");
      ++index_;
    } else if (within_ == Within::items) {
      if (index_ == 0) is_prefix_array_ = is_root_array() || is_unnamed_array(array_key());
      if (is_prefix_array_) list_.add_error(place(), "", "the prefix is no text");
      is_list_ = is_list_ || is_prefix_array_;
      ++index_;
    }
    return true;
  }

  // An element is a value that may stand there.
  [[nodiscard]] bool may_open(char container) const {
    if (within_ == Within::elements || (within_ == Within::items && is_root_array()))
      return container == '{';
    return within_ != Within::items && !is_prefix_value();
  }

  bool open(char container) {
    if (path_.empty())
      is_object_ = container == '{';
    else if (!may_open(container))
      other_value();
    path_ += container;
    if (container == '{') ++object_depth_;
    if (path_.size() > kDepthMax) {
      failure = "its JSON is nested deeper than " + std::to_string(kDepthMax) + " levels";
      return false;
    }
    within_ = find_within();
    begin_container();
    return true;
  }

  void begin_container() {
    if (within_ == Within::elements) is_list_ = true;
    if (within_ == Within::elements || within_ == Within::items) {
      index_ = 0;
      is_prefix_array_ = false;
    }
    if (within_ == Within::element) {
      element_.clear();
      keys_[is_root_array() ? 0 : 1].clear();
    }
    if (within_ == Within::block) {
      block_ = {};
      is_block_wrong_ = false;
      keys_[2].clear();
    }
    if (path_ == "{[{{") keys_[2].clear();
    // An empty list of prefixes counts as one.
    const bool is_cidrs = path_ == "{[{[" && keys_[0] == "regions" && keys_[1] == "cidrs";
    if (within_ == Within::prefixes || is_cidrs) element_.has_prefixes = true;
    if (within_ == Within::prefixes) is_list_ = true;
  }

  bool close() {
    if (within_ == Within::element) finish_element();
    // An empty document is an empty list.
    if (within_ == Within::items && index_ == 0 &&
        (is_root_array() || is_unnamed_array(array_key())))
      is_list_ = true;
    const bool is_good = within_ != Within::block || finish_block();
    if (path_.back() == '{') --object_depth_;
    path_.pop_back();
    is_over_ = path_.empty();
    within_ = is_over_ ? Within::other : find_within();
    return is_good && !list_.labels.is_overfull();
  }

  bool finish_block() {
    if (!block_.text.empty()) return keep_prefix(std::move(block_));
    if (!is_block_wrong_) list_.add_error(place(), "", "there is no cidr in one of its cidrs");
    return true;
  }

  // What an element without prefixes lacks.
  [[nodiscard]] const char* lack() const {
    if (is_root_array()) return "there is neither ips nor urls in it";
    if (keys_[0] == "values") return "there is no properties.addressPrefixes in it";
    if (keys_[0] == "regions") return "there is no cidrs in it";
    return "there is no ip_prefix, ipv4Prefix or ipv6Prefix in it";
  }

  void finish_element() {
    if (!element_.has_prefixes && element_.has_hosts && !list_.is_strict) {
      ++list_.host_entry_count;
    } else if (!element_.has_prefixes && element_.has_hosts) {
      list_.add_error(place(), "",
                      "it names hosts (urls) and no address; exclusions are addresses: write those "
                      "of the hosts on a list, or take the element out");
    } else if (!element_.has_prefixes) {
      list_.add_error(place(), "", lack());
    }
    const std::string label = element_.label("");
    for (const Element::Prefix& prefix : element_.prefixes)
      list_.add(prefix.text, prefix.tags.empty() ? label : element_.label(prefix.tags), place());
    ++index_;
  }

  TargetList& list_;
  std::string_view name_;
  std::string path_;
  std::array<std::string, 4> keys_;  // of the outermost objects that are open
  std::size_t object_depth_ = 0;
  Within within_ = Within::other;
  std::uint64_t index_ = 0;  // of the element or item
  Element element_;
  Element::Prefix block_;
  bool is_block_wrong_ = false;  // its cidr was no text
  bool is_prefix_array_ = false;
  bool is_list_ = false;
  bool is_object_ = false;  // the document; else an array
  bool is_over_ = false;
};

}  // namespace

tl::expected<void, std::string> read_cloud_list(ListBytes& bytes, std::string_view name,
                                                TargetList& list) {
  CloudListReader reader(name, list);
  TokenLimit limit;
  bool is_good = false;
  try {
    is_good = Json::sax_parse(ByteIterator(bytes, limit), ByteIterator(), &reader);
  } catch (const std::bad_alloc&) {
    return tl::make_unexpected("there is no memory for what is in it from line " +
                               std::to_string(limit.line()) + " on");
  }
  if (limit.is_exceeded())
    return tl::make_unexpected("its JSON has a string or a number of more than " +
                               std::to_string(kTokenBytesMax) + " bytes, in line " +
                               std::to_string(limit.line()));
  if (!bytes.failure().empty()) return tl::make_unexpected(bytes.failure());
  if (list.labels.is_overfull())
    return tl::make_unexpected(list.labels.overfull_error(limit.line()));
  if (!is_good) return tl::make_unexpected(reader.failure);
  if (!reader.is_list()) return tl::make_unexpected(kUnknownShape);
  return {};
}

}  // namespace echoscan
