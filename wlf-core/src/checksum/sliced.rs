//! A CRC through sixteen tables, sixteen bytes a step.

/// What each of 256 bytes adds to a checksum when 0 to 15 bytes stand behind it.
#[derive(Debug)]
pub struct Tables([[u32; 256]; 16]);

impl Tables {
    /// Makes the tables of a generator, whose lowest power is in the highest bit.
    pub const fn new(generator: u32) -> Self {
        let mut tables = [[0; 256]; 16];
        let mut byte = 0;
        while byte < 256 {
            let mut crc = byte as u32;
            let mut bit = 0;
            while bit < 8 {
                crc = crc >> 1 ^ if crc & 1 == 1 { generator } else { 0 };
                bit += 1;
            }
            tables[0][byte] = crc;
            byte += 1;
        }
        let mut behind = 1;
        while behind < 16 {
            let mut byte = 0;
            while byte < 256 {
                let crc = tables[behind - 1][byte];
                tables[behind][byte] = crc >> 8 ^ tables[0][(crc & 0xff) as usize];
                byte += 1;
            }
            behind += 1;
        }
        Self(tables)
    }

    /// Goes on with a checksum's register over more bytes.
    #[inline]
    pub fn update(&self, mut register: u32, bytes: &[u8]) -> u32 {
        let two = |word: u32, behind: usize| {
            self.0[behind + 1][(word & 0xff) as usize] ^ self.0[behind][(word >> 8 & 0xff) as usize]
        };
        let (steps, rest) = bytes.as_chunks::<16>();
        for step in steps {
            let word =
                |n: usize| u32::from_le_bytes([step[n], step[n + 1], step[n + 2], step[n + 3]]);
            let (a, b, c, d) = (word(0) ^ register, word(4), word(8), word(12));
            // What waits for the step before comes last, so that the rest is done meanwhile.
            let free = (two(b, 10) ^ two(b >> 16, 8))
                ^ (two(c, 6) ^ two(c >> 16, 4))
                ^ (two(d, 2) ^ two(d >> 16, 0));
            register = (two(a, 14) ^ two(a >> 16, 12)) ^ free;
        }
        let (steps, rest) = rest.as_chunks::<4>();
        for step in steps {
            let word = u32::from_le_bytes(*step) ^ register;
            register = two(word, 2) ^ two(word >> 16, 0);
        }
        for byte in rest {
            register = register >> 8 ^ self.0[0][((register ^ u32::from(*byte)) & 0xff) as usize];
        }
        register
    }
}
