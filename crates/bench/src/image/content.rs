//! What is in the files: texts of words, programs of instructions, noise. All of
//! it comes from one seed, and deflates as such files do (about a third is left).

use std::io::{Cursor, Write as _};

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// Where content comes from.
pub(super) struct Content {
    state: u64,
    words: Vec<String>,
    instructions: Vec<Vec<u8>>,
}

impl Content {
    pub(super) fn new() -> Self {
        let mut content = Self {
            state: 0x9e37_79b9_7f4a_7c15,
            words: Vec::new(),
            instructions: Vec::new(),
        };
        let syllables = [
            "ka", "ne", "to", "ri", "su", "mo", "le", "ba", "in", "or", "ex", "st",
        ];
        content.words = (0..2_500)
            .map(|_| {
                (0..2 + content.below(3))
                    .map(|_| syllables[content.below(12)])
                    .collect()
            })
            .collect();
        content.instructions = (0..2_000)
            .map(|_| (0..2 + content.below(6)).map(|_| content.byte()).collect())
            .collect();
        content
    }

    /// Marsaglia's xorshift.
    fn next(&mut self) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.state
    }

    pub(super) fn below(&mut self, count: usize) -> usize {
        let count = u64::try_from(count).expect("a count");
        usize::try_from((self.next() >> 11) % count).expect("less than a count")
    }

    fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[5]
    }

    /// The first ones more often than the last ones, as in any language.
    fn skewed(&mut self, count: usize) -> usize {
        let most = 1 + self.below(count);
        let most = 1 + self.below(most);
        self.below(most)
    }

    pub(super) fn word(&mut self) -> String {
        let n = self.below(self.words.len());
        self.words[n].clone()
    }

    /// Lines of so many bytes together.
    pub(super) fn text(&mut self, bytes: usize) -> String {
        let mut text = String::with_capacity(bytes + 32);
        let mut line = 0;
        while text.len() < bytes {
            let n = self.skewed(self.words.len());
            text.push_str(&self.words[n]);
            let mark = [" ", " ", " ", " = ", ".", "(", ");", ", "][self.below(8)];
            text.push_str(mark);
            if text.len() > line + 60 {
                text.push('\n');
                line = text.len();
            }
        }
        text.truncate(bytes);
        text
    }

    /// A program without sections, which goes on as machine code does.
    pub(super) fn machine(&mut self, bytes: usize) -> Vec<u8> {
        let mut code = b"\x7fELF\x02\x01\x01".to_vec();
        // A shared object of x86-64, in version 1; sizes of the headers.
        code.resize(16, 0);
        code.extend([3, 0, 62, 0, 1, 0, 0, 0]);
        code.resize(52, 0);
        code.extend([64, 0, 56, 0, 0, 0, 64, 0]);
        code.resize(64, 0);
        while code.len() < bytes {
            let n = self.skewed(self.instructions.len());
            code.extend_from_slice(&self.instructions[n]);
            if self.below(3) == 0 {
                code.push(self.byte());
            }
        }
        code.truncate(bytes);
        code
    }

    /// What is compressed already.
    pub(super) fn noise(&mut self, bytes: usize) -> Vec<u8> {
        (0..bytes).map(|_| self.byte()).collect()
    }

    /// A Java archive as Maven makes one.
    pub(super) fn jar(&mut self, group: &str, artifact: &str, version: &str) -> Vec<u8> {
        let mut jar = ZipWriter::new(Cursor::new(Vec::new()));
        let mut add = |name: String, bytes: &[u8]| {
            jar.start_file(name, SimpleFileOptions::default())
                .expect("an entry");
            jar.write_all(bytes).expect("room");
        };
        let manifest = format!("Manifest-Version: 1.0\r\nImplementation-Version: {version}\r\n");
        add("META-INF/MANIFEST.MF".to_owned(), manifest.as_bytes());
        let properties = format!("groupId=org.{group}\nartifactId={artifact}\nversion={version}\n");
        let path = format!("META-INF/maven/org.{group}/{artifact}/pom.properties");
        add(path, properties.as_bytes());
        for n in 0..12 {
            add(format!("org/{group}/Class{n}.class"), &self.machine(9_000));
        }
        jar.finish().expect("an archive").into_inner()
    }
}
