#include "output/result/result_field.h"

namespace echoscan {

const ResultField* find_result_field(std::string_view name) {
  for (const ResultField& field : kResultFields)
    if (field.name == name) return &field;
  return nullptr;
}

std::string result_field_names() {
  std::string names;
  for (const ResultField& field : kResultFields) {
    if (!names.empty()) names += ", ";
    names += field.name;
  }
  return names;
}

std::vector<std::string> result_field_name_list() {
  std::vector<std::string> names;
  names.reserve(kResultFields.size());
  for (const ResultField& field : kResultFields) names.emplace_back(field.name);
  return names;
}

}  // namespace echoscan
