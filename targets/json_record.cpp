#include "targets/json_record.h"

#include <simdjson.h>

#include <optional>
#include <string>

namespace echoscan {
namespace {

namespace ondemand = simdjson::ondemand;

// What is read of a record.
struct JsonRecord {
  std::optional<std::string> target;
  std::optional<std::string> cidr;
  std::string label;
  std::string sblid;
  std::string type;
  bool is_ambiguous = false;  // a key that is read stands there twice, or is no text

  void clear() {
    target.reset();
    cidr.reset();
    label.clear();
    sblid.clear();
    type.clear();
    is_ambiguous = false;
  }
};

class RecordParser {
 public:
  // False when the line is no whole JSON object. `strays` gets the JSON of all that is not read,
  // less whom an answer came from.
  bool parse(std::string_view line, JsonRecord& record, std::string* strays = nullptr) {
    record.clear();
    padded_.assign(line);
    padded_.reserve(line.size() + simdjson::SIMDJSON_PADDING);
    try {
      ondemand::document document =
          parser_.iterate(padded_.data(), padded_.size(), padded_.capacity());
      for (ondemand::field field : document.get_object())
        if (!take(field, record) && strays) note_stray(field, *strays);
      return document.current_location().error() == simdjson::OUT_OF_BOUNDS;
    } catch (const simdjson::simdjson_error&) {
      return false;
    }
  }

 private:
  // False when it is not read.
  static bool take(ondemand::field& field, JsonRecord& record) {
    const std::string_view key = field.unescaped_key();
    if (key == "target") {
      take_text(field, record.target, record);
    } else if (key == "cidr") {
      take_text(field, record.cidr, record);
    } else if (key == "label") {
      take_label(field, record.label);
    } else if (key == "sblid") {
      take_label(field, record.sblid);
    } else if (key == "type") {
      take_label(field, record.type);
    } else {
      return key == "saddr";
    }
    return true;
  }

  static void note_stray(ondemand::field& field, std::string& strays) {
    ondemand::value value = field.value();
    strays += std::string_view(simdjson::to_json_string(value));
    strays += ' ';
  }

  static void take_text(ondemand::field& field, std::optional<std::string>& text,
                        JsonRecord& record) {
    ondemand::value value = field.value();
    const ondemand::json_type type = value.type();
    if (type == ondemand::json_type::null && value.is_null()) return;
    if (text || type != ondemand::json_type::string) {
      record.is_ambiguous = true;
    } else {
      text = std::string(std::string_view(value.get_string()));
    }
  }

  // A result without a label may have null there.
  static void take_label(ondemand::field& field, std::string& text) {
    ondemand::value value = field.value();
    const ondemand::json_type type = value.type();
    if (type == ondemand::json_type::string) text = std::string_view(value.get_string());
  }

  ondemand::parser parser_;
  std::string padded_;
};

bool begins_list(const JsonRecord& record) {
  return record.target || record.cidr || record.is_ambiguous || record.type == "metadata";
}

class JsonRecords : public LineFormat {
 public:
  void read(std::string_view line, const ListPlace& place, TargetList& list) override {
    strays_.clear();
    if (!parser_.parse(line, record_, list.is_strict ? &strays_ : nullptr))
      return list.add_error(place, line, "the line is no whole JSON object");
    if (record_.is_ambiguous || (record_.target && record_.cidr))
      return list.add_error(place, line,
                            "it is to have one target or one cidr, a text, and not both");
    if (list.is_strict) list.refuse_stray(strays_, place);
    const bool is_metadata = record_.type == "metadata" && !record_.target;
    if (!is_known_ && (record_.target || record_.cidr)) {
      is_known_ = true;
      has_targets_ = record_.target.has_value();
    }
    const std::optional<std::string>& address = has_targets_ ? record_.target : record_.cidr;
    if (address) return list.add(*address, has_targets_ ? record_.label : record_.sblid, place);
    if (!is_metadata)
      list.add_error(place, line,
                     !is_known_     ? "there is neither a target nor a cidr in it"
                     : has_targets_ ? "there is no target in it"
                                    : "there is no cidr in it");
  }

 private:
  RecordParser parser_;
  JsonRecord record_;  // the last one; kept for its memory, as what was not read of it
  std::string strays_;
  bool is_known_ = false;
  bool has_targets_ = false;  // and else cidrs
};

}  // namespace

bool is_json_record(std::string_view line) {
  JsonRecord record;
  return RecordParser().parse(line, record) && begins_list(record);
}

std::unique_ptr<LineFormat> recognise_json_records(std::string_view line) {
  if (line.find('{') == std::string_view::npos || !is_json_record(line)) return nullptr;
  return std::make_unique<JsonRecords>();
}

}  // namespace echoscan
