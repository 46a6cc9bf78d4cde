#include <cstdlib>

#include "program.h"

namespace reasonbrain::cli {
namespace {

class CompletionTest : public ProgramTest {
 protected:
  // What bash offers for a line of words, the last of which is being typed.
  std::vector<std::string> offered(const std::vector<std::string>& words) const {
    std::string line;
    for (const std::string& word : words) line += " '" + word + "'";
    write_file_atomic(folder_ / "ask.sh",
                      str("compopt() { :; }\nsource '", (folder_ / "reasonbrain.bash").string(),
                          "'\nCOMP_WORDS=(reasonbrain", line, ")\nCOMP_CWORD=", words.size(),
                          "\n_reasonbrain\nprintf '%s\\n' \"${COMPREPLY[@]}\"\n"));
    const std::string command = str("bash '", (folder_ / "ask.sh").string(), "' > '",
                                    (folder_ / "said").string(), "' 2>&1");
    EXPECT_EQ(std::system(command.c_str()), 0) << read_file(folder_ / "said");
    std::vector<std::string> lines = split(trim(read_file(folder_ / "said")), '\n');
    std::sort(lines.begin(), lines.end());
    return lines;
  }
};

bool holds(const std::vector<std::string>& all, const std::string& one) {
  return std::find(all.begin(), all.end(), one) != all.end();
}

TEST_F(CompletionTest, BashOffersCommandsOptionsValuesAndKeys) {
  const Finished script = run({"completion", "bash"});
  ASSERT_EQ(script.status, 0) << script.err;
  write_file_atomic(folder_ / "reasonbrain.bash", script.out);
  EXPECT_TRUE(holds(offered({""}), "edit"));
  EXPECT_TRUE(holds(offered({""}), "--version"));
  EXPECT_EQ(offered({"ed"}), std::vector<std::string>{"edit"});
  EXPECT_EQ(offered({"eval", "ru"}), std::vector<std::string>{"run"});
  EXPECT_TRUE(holds(offered({"edit", "--im"}), "--image"));
  EXPECT_TRUE(holds(offered({"edit", "--im"}), "--image-guidance"));
  EXPECT_TRUE(holds(offered({"edit", "--image", "a.png", "--no-"}), "--no-metadata"));
  EXPECT_EQ(offered({"edit", "--dtype", "b"}), std::vector<std::string>{"bfloat16"});
  EXPECT_EQ(offered({"edit", "--object-source", ""}), (std::vector<std::string>{"given", "rules"}));
  EXPECT_TRUE(holds(offered({"train", "--config", "mini", "train.batch"}), "train.batch_size="));
  write_file_atomic(folder_ / "zebra.png", "");
  EXPECT_EQ(offered({"edit", "--image", (folder_ / "zeb").string()}),
            std::vector<std::string>{(folder_ / "zebra.png").string()});
}

TEST_F(CompletionTest, EveryShellHasAScript) {
  for (const char* shell : {"bash", "zsh", "fish"}) {
    const Finished script = run({"completion", shell});
    EXPECT_EQ(script.status, 0) << script.err;
    for (const char* word : {"miniworld", "image-guidance", "bfloat16", "train.batch_size="})
      EXPECT_NE(script.out.find(word), std::string::npos) << shell << " without " << word;
    // Where the shell is there, it must be able to read the script.
    if (std::system(str("command -v ", shell, " > /dev/null").c_str()) != 0) continue;
    write_file_atomic(folder_ / "script", script.out);
    EXPECT_EQ(std::system(str(shell, " -n '", (folder_ / "script").string(), "'").c_str()), 0)
        << shell;
  }
  expect_failure({"completion", "tcsh"}, 2, {"tcsh", "fish"});
}

}  // namespace
}  // namespace reasonbrain::cli
