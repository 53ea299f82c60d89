//! A CRC through sixteen tables, sixteen bytes a step.

/// The tables of a generator, whose lowest power is in the highest bit.
///
/// The generator is part of the type so that where its tables are is known to the compiler: an address that comes in a
/// register has to be added to at each look-up, which takes as long as all the rest.
#[derive(Debug)]
pub struct SlicingTables<const GENERATOR: u32>;

impl<const GENERATOR: u32> SlicingTables<GENERATOR> {
    /// What each of 256 bytes adds to a checksum when 0 to 15 bytes stand behind it.
    const ALL: &[[u32; 256]; 16] = &Self::make();

    const fn make() -> [[u32; 256]; 16] {
        let mut tables = [[0; 256]; 16];
        let mut byte = 0;
        while byte < 256 {
            let mut crc = byte as u32;
            let mut bit = 0;
            while bit < 8 {
                crc = crc >> 1 ^ if crc & 1 == 1 { GENERATOR } else { 0 };
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
        tables
    }

    /// Goes on with a checksum's register over more bytes.
    #[inline(never)]
    pub fn update(mut register: u32, bytes: &[u8]) -> u32 {
        let (steps, rest) = bytes.as_chunks::<16>();
        for step in steps {
            register = Self::step(register, step);
        }
        let (steps, rest) = rest.as_chunks::<4>();
        for step in steps {
            let word = u32::from_le_bytes(*step) ^ register;
            register = Self::two(word, 2) ^ Self::two(word >> 16, 0);
        }
        for byte in rest {
            register =
                register >> 8 ^ Self::ALL[0][((register ^ u32::from(*byte)) & 0xff) as usize];
        }
        register
    }

    /// What the two lower bytes of a word add when `behind` bytes stand behind them.
    #[inline(always)]
    fn two(word: u32, behind: usize) -> u32 {
        Self::ALL[behind + 1][(word & 0xff) as usize]
            ^ Self::ALL[behind][(word >> 8 & 0xff) as usize]
    }

    #[inline(always)]
    fn step(register: u32, step: &[u8; 16]) -> u32 {
        let word = |n: usize| u32::from_le_bytes([step[n], step[n + 1], step[n + 2], step[n + 3]]);
        let (a, b, c, d) = (word(0) ^ register, word(4), word(8), word(12));
        // What waits for the step before comes last, so that the rest is done meanwhile.
        let free = (Self::two(b, 10) ^ Self::two(b >> 16, 8))
            ^ (Self::two(c, 6) ^ Self::two(c >> 16, 4))
            ^ (Self::two(d, 2) ^ Self::two(d >> 16, 0));
        (Self::two(a, 14) ^ Self::two(a >> 16, 12)) ^ free
    }
}
