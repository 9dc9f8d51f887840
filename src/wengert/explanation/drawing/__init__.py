"""Forward and backward pass as pictures, and plots of training and memory."""
